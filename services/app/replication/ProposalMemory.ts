import type { Hash } from '../../core/bytes.ts';

/** A block that this centre has voted for, its own too: which records, in which order. */
export type Proposal = {
  /** Ids of the records, 32 bytes each, in log order. */
  readonly ids: Uint8Array;
  /** Where the pool holds each of them, in this very form; NaN for one among {@link extras}, and in a block of our own. */
  readonly seqs: Float64Array;
  /** Entries that the pool does not hold in this very form, by position. */
  readonly extras: ReadonlyMap<number, Uint8Array>;
};

/** One of packed ids or hashes. */
export function idAt(ids: Uint8Array, index: number): Uint8Array {
  return ids.subarray(32 * index, 32 * index + 32);
}

// A block is anchored within seconds; what is forgotten is fetched from a peer again.
const keptProposals = 4;

/** The last proposals that this centre has checked, so that their blocks need no second transfer once they are anchored. */
export class ProposalMemory {
  #byHash = new Map<Hash, Proposal>();

  keep(hash: Hash, proposal: Proposal): void {
    this.#byHash.delete(hash);
    this.#byHash.set(hash, proposal);
    if (this.#byHash.size > keptProposals) this.#byHash.delete(this.#byHash.keys().next().value!);
  }

  find(hash: Hash): Proposal | undefined {
    return this.#byHash.get(hash);
  }

  forget(hash: Hash): void {
    this.#byHash.delete(hash);
  }
}
