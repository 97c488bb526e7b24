import type { Hash } from '../../core/bytes.ts';
import type { Bill } from '../../core/channels/bill.ts';
import type { Statement } from '../../core/channels/statement.ts';
import type { BillKind, EvidenceKind } from '../../core/channels/upload.ts';

/** What the verifier has found out about evidence. */
export type JudgedEvidence = {
  readonly digest: Hash;
  readonly count: number;
  readonly kind: EvidenceKind;
  readonly sizeBytes: number;
  /** Where it is; empty for the evidence store. */
  readonly locator: string;
  /** What the verifier asks for it. */
  readonly price: bigint;
};

/** A bill that is locked or paid, and what both sides have stated about its evidence so far. */
export type KeptEvidence = {
  readonly bill: Bill;
  /** What the bill is for: a pack and a list may have the same digest. */
  readonly kind: BillKind;
  readonly statements: readonly Statement[];
};

/** Where evidence comes in, is judged, and stays. */
export type EvidenceKeeper = {
  /**
   * Judges uploads as one piece of evidence.
   * @param checkPrice Throws where the requester cannot pay: before anything is kept.
   * @throws NotariumError why it is not taken.
   */
  judge(
    channelId: Hash,
    uploads: readonly string[],
    signal?: AbortSignal,
    checkPrice?: (digest: Hash, price: bigint) => Promise<void>,
  ): Promise<JudgedEvidence>;
  /**
   * Keeps evidence for as long as its channel needs it, with bills and statements beside it: durable when it resolves. The same again
   * changes nothing, and more statements of a bill take the place of fewer.
   */
  keep(items: readonly KeptEvidence[]): Promise<void>;
  /** @throws NotariumError `evidence-not-found` where the verifier does not have what a bill is for. */
  requireHere(bills: readonly Pick<Bill, 'digest'>[]): Promise<void>;
  /** Whether bill and statements stand beside their evidence. */
  isKept(item: KeptEvidence): Promise<boolean>;
  /** The channel does not need it any more. */
  release(channelId: Hash, digest: Hash): Promise<void>;
};
