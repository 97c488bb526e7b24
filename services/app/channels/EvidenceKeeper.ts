import type { Hash } from '../../core/bytes.ts';

/** What the verifier has found out about evidence. */
export type JudgedEvidence = {
  readonly digest: Hash;
  readonly count: number;
  readonly sizeBytes: number;
  /** What the verifier asks for it. */
  readonly price: bigint;
};

/** Where evidence comes in, is judged, and stays. */
export type EvidenceKeeper = {
  /** Judges uploads as one piece of evidence. @throws NotariumError why it is not taken. */
  judge(channelId: Hash, uploads: readonly string[], signal?: AbortSignal): Promise<JudgedEvidence>;
  /** Keeps it for as long as the channel needs it: durable when it resolves, the same again changes nothing. */
  keep(channelId: Hash, judged: Pick<JudgedEvidence, 'digest' | 'count'>, uploads: readonly string[]): Promise<void>;
  /** Puts a statement beside it. */
  putDocument(channelId: Hash, digest: Hash, name: string, json: string): Promise<void>;
  /** The channel does not need it any more. */
  release(channelId: Hash, digest: Hash): Promise<void>;
};
