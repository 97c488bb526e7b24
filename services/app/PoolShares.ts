import type { Address } from '../core/bytes.ts';

const windowRecords = 4096;

/** Records that came into the pool about the same time. */
type Window = { count: number; readonly byPeer: Map<Address, number> };

/**
 * Counts the pool, and how much of it each other centre has passed on. Records leave the pool oldest first, more or less,
 * so what has left is taken off the oldest windows: nothing has to be remembered of a single record.
 */
export class PoolShares {
  #windows: Window[] = [];
  readonly #shares = new Map<Address, number>();
  #count = 0;

  /** Records in the pool. */
  get count(): number {
    return this.#count;
  }

  /** How many of them this centre has passed on to us, about. */
  of(peer: Address): number {
    return this.#shares.get(peer) ?? 0;
  }

  /** How many of them other centres have passed on, about. */
  get ofOthers(): number {
    return this.#shares.values().reduce((sum, share) => sum + share, 0);
  }

  /** Counts records that have just come in; without a peer, from our own clients. */
  add(count: number, peer?: Address): void {
    const newest = this.#windows.at(-1);
    const window = newest && newest.count < windowRecords ? newest : { count: 0, byPeer: new Map<Address, number>() };
    if (window !== newest) this.#windows.push(window);
    window.count += count;
    this.#count += count;
    if (peer === undefined) return;
    window.byPeer.set(peer, (window.byPeer.get(peer) ?? 0) + count);
    this.#shares.set(peer, this.of(peer) + count);
  }

  /** Sets the count to what the database says. What was never counted here is nobody's share. */
  set(count: number): void {
    if (count > this.#count) this.#windows.unshift({ count: count - this.#count, byPeer: new Map() });
    let surplus = this.#count - count;
    this.#count = count;
    while (surplus > 0) {
      const oldest = this.#windows[0]!;
      const gone = Math.min(surplus, oldest.count);
      this.#takeOff(oldest, gone / oldest.count);
      oldest.count -= gone;
      surplus -= gone;
      if (oldest.count === 0) this.#windows.shift();
    }
  }

  #takeOff(window: Window, part: number): void {
    for (const [peer, held] of window.byPeer) {
      // Rounded so that all shares together are never more than the pool.
      const gone = Math.min(held, Math.ceil(held * part));
      window.byPeer.set(peer, held - gone);
      const left = this.of(peer) - gone;
      if (left > 0) this.#shares.set(peer, left);
      else this.#shares.delete(peer);
    }
  }
}
