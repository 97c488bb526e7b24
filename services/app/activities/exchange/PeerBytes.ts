import type { Address } from '../../../core/bytes.ts';
import { NotariumError } from '../../../core/errors.ts';

/** What each peer has in memory here at a time: it may have many requests open, but not fill the memory with them. */
export class PeerBytes {
  readonly #most: number;
  readonly #held = new Map<Address, number>();

  /** @param most Bytes of one peer. */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Counts frames of a peer as they come, until what is done with them is done.
   * @throws NotariumError `peer-busy`; as the work does.
   */
  async hold<T>(
    peer: Address,
    frames: AsyncIterable<Uint8Array>,
    work: (frames: AsyncIterable<Uint8Array>) => Promise<T>,
  ): Promise<T> {
    let bytes = 0;
    const add = (count: number): void => {
      bytes += count;
      this.#add(peer, count);
    };
    async function* counted(): AsyncGenerator<Uint8Array> {
      for await (const frame of frames) {
        add(frame.length);
        yield frame;
      }
    }
    try {
      return await work(counted());
    } finally {
      this.#add(peer, -bytes);
    }
  }

  #add(peer: Address, count: number): void {
    const held = (this.#held.get(peer) ?? 0) + count;
    if (held === 0) this.#held.delete(peer);
    else this.#held.set(peer, held);
    if (count > 0 && held > this.#most)
      throw new NotariumError('peer-busy', 'too much of its messages is in memory', { data: { want: this.#most } });
  }
}
