import type { Clock } from '../lib/clock.ts';
import type { NetLimits } from './Net.ts';
import { TokenBucket } from './tokenBucket.ts';

/** What one peer uses of us now; kept across its connections, so that a new one is no new allowance. */
export class PeerUse {
  readonly bytes: TokenBucket;
  readonly gossip: TokenBucket;
  readonly #requests: TokenBucket;
  readonly #openMost: number;
  #open = 0;
  #heldBackMs = 0;

  constructor(limits: NetLimits, clock: Clock) {
    this.bytes = new TokenBucket(limits.bytesPerSecond, limits.byteBurst, clock);
    this.gossip = new TokenBucket(limits.gossipPerSecond, limits.gossipBurst, clock);
    this.#requests = new TokenBucket(limits.requestsPerSecond, limits.requestBurst, clock);
    this.#openMost = limits.openRequests;
  }

  /** Notes that the peer had to wait with its gossip; answers how many more seconds are full by that, all in all. */
  heldBack(ms: number): number {
    this.#heldBackMs += ms;
    const seconds = Math.floor(this.#heldBackMs / 1000);
    this.#heldBackMs -= seconds * 1000;
    return seconds;
  }

  /** Begins a request if the peer may have one more; what comes back ends it. */
  begin(): (() => void) | undefined {
    if (this.#open >= this.#openMost || !this.#requests.tryTake()) return undefined;
    this.#open++;
    return () => {
      this.#open--;
    };
  }
}
