import { type BlockHeader, type BlockSignature, blockDigest } from '../../core/block.ts';
import type { Address, Hash } from '../../core/bytes.ts';
import { toHex } from '../../core/bytes.ts';
import type { Crypto } from '../../core/crypto.ts';
import type { Network } from '../../core/eip712.ts';
import type { SignedHeader } from '../../core/equivocation.ts';
import { NotariumError } from '../../core/errors.ts';
import { recoverAddress, signatureBytes } from '../../core/signature.ts';

/** Two different headers of one slot with signatures of one centre: anyone may report them. */
export type Equivocation = { readonly culprit: Address; readonly first: SignedHeader; readonly second: SignedHeader };

/** What a header is, after those that were noted before it. */
export type Noted = {
  /** Whether others should see it too: they need one header of each slot, and two as a proof. */
  readonly isNew: boolean;
  /** There whenever its publisher is known to have signed two in the slot. */
  readonly equivocation?: Equivocation;
};

/** An hour with a period of 3.6 s: long enough for a partition that lets two halves see one header each. */
export const keptSlots = 1000;

type Seen = { readonly hash: string; readonly signed: SignedHeader };

/** Remembers which header each publisher has signed in a slot, and recognises a second one. */
export class SeenHeaders {
  readonly #network: Network;
  readonly #crypto: Crypto;
  /** By slot and publisher at most two: a third proves nothing more, and would cost memory. */
  readonly #bySlot = new Map<number, Map<Address, readonly Seen[]>>();

  constructor(network: Network, crypto: Crypto) {
    this.#network = network;
    this.#crypto = crypto;
  }

  /**
   * Notes a header that its publisher has signed.
   * @throws NotariumError `signature-mismatch` when somebody else has, `signature-malformed`, `signature-malleable`.
   */
  note(signed: SignedHeader): Noted {
    const { slot, publisher } = signed.header;
    const digest = blockDigest(this.#network, signed.header, this.#crypto.keccak256);
    const signer = recoverAddress(this.#crypto, digest, signatureBytes(signed.signature));
    if (signer !== publisher) {
      throw new NotariumError('signature-mismatch', 'block header', { data: { have: signer, want: publisher } });
    }
    const hash = toHex(digest);
    const ofSlot = this.#bySlot.get(slot) ?? new Map<Address, readonly Seen[]>();
    const before = ofSlot.get(publisher) ?? [];
    const isNew = before.length < 2 && before.every((seen) => seen.hash !== hash);
    const known = isNew ? [...before, { hash, signed }] : before;
    ofSlot.set(publisher, known);
    this.#bySlot.set(slot, ofSlot);
    this.#prune(slot);
    const [first, second] = known;
    if (!second) return { isNew };
    return { isNew, equivocation: { culprit: publisher, first: first!.signed, second: second.signed } };
  }

  /** Whether this very header has been noted, so that its publisher has signed it. */
  has(header: BlockHeader): boolean {
    const known = this.#bySlot.get(header.slot)?.get(header.publisher);
    if (!known) return false;
    const hash = toHex(blockDigest(this.#network, header, this.#crypto.keccak256));
    return known.some((seen) => seen.hash === hash);
  }

  /** Signatures by which publishers have shown this block. */
  signaturesOf(slot: number, hash: Hash): BlockSignature[] {
    const found: BlockSignature[] = [];
    for (const [signer, some] of this.#bySlot.get(slot) ?? []) {
      for (const seen of some) if (seen.hash === hash) found.push({ signer, signature: seen.signed.signature });
    }
    return found;
  }

  /** Headers of slots from this one on. */
  since(slot: number): SignedHeader[] {
    const found: SignedHeader[] = [];
    for (const [of, byPublisher] of this.#bySlot) {
      if (of < slot) continue;
      for (const some of byPublisher.values()) found.push(...some.map(({ signed }) => signed));
    }
    return found;
  }

  #prune(newest: number): void {
    if (this.#bySlot.size <= keptSlots) return;
    for (const slot of this.#bySlot.keys()) {
      if (slot <= newest - keptSlots || this.#bySlot.size > 2 * keptSlots) this.#bySlot.delete(slot);
    }
  }
}
