import type { Address } from '../../../core/bytes.ts';
import { NotariumError } from '../../../core/errors.ts';

/** How many requests of one peer are answered at a time. */
export class PeerTurns {
  readonly #most: number;
  readonly #open = new Map<Address, number>();

  constructor(most = 1) {
    this.#most = most;
  }

  /** Gives an answer to a peer. @throws NotariumError `peer-busy` where as many are being given. */
  async *give(peer: Address, answer: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const before = this.#open.get(peer) ?? 0;
    if (before >= this.#most) throw new NotariumError('peer-busy');
    this.#open.set(peer, before + 1);
    try {
      yield* answer;
    } finally {
      const left = this.#open.get(peer)! - 1;
      if (left === 0) this.#open.delete(peer);
      else this.#open.set(peer, left);
    }
  }
}
