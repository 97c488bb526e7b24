import type { Chain } from '../chain/Chain.ts';
import { slotAt } from '../core/committee.ts';
import { NotariumError } from '../core/errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Store } from '../store/Store.ts';

/** What the guard needs of the rest. */
export type ClockGuardParts = {
  readonly chain: Pick<Chain, 'chainTime'>;
  readonly store: Pick<Store, 'latestBlock'>;
  readonly clock: Clock;
  readonly periodSeconds: number;
};

/**
 * Watches the clock, by which slots, promises and expiry are counted. The chain's time says whether it is right; between
 * two looks at the chain, the processor's monotonic counter says whether it has jumped.
 */
export class ClockGuard {
  #parts: ClockGuardParts;
  /** Clock minus monotonic counter when the clock was last found right. */
  #offsetMs: number;

  constructor(parts: ClockGuardParts) {
    this.#parts = parts;
    this.#offsetMs = parts.clock.nowMs() - performance.now();
  }

  /**
   * Compares the clock with the chain's and with the newest block's slot.
   * @throws NotariumError `clock-skewed`; a header for a slot that the chain does not believe in would only be refused.
   */
  async check(): Promise<void> {
    const { chain, store, clock, periodSeconds } = this.#parts;
    const askedSeconds = clock.nowMs() / 1000;
    // A jump while the chain answers is one from here.
    const offsetMs = 1000 * askedSeconds - performance.now();
    const [{ pendingSeconds, latestSeconds }, latest] = await Promise.all([chain.chainTime(), store.latestBlock()]);
    const nowSeconds = clock.nowMs() / 1000;
    // The chain told its time somewhere between question and answer: how long that took is no skew.
    const aheadSeconds = askedSeconds - (pendingSeconds ?? askedSeconds);
    // The slot of a block was the clock's and the chain's when it was sealed.
    const slotsBehind = (latest?.header.slot ?? 0) - slotAt(clock.nowMs(), periodSeconds);
    const behindSeconds = Math.max(latestSeconds - nowSeconds, (slotsBehind - 1) * periodSeconds);
    const skewSeconds = Math.max(aheadSeconds, behindSeconds);
    if (skewSeconds > this.#toleranceSeconds) {
      const direction = aheadSeconds > behindSeconds ? 'ahead of' : 'behind';
      throw new NotariumError('clock-skewed', `${Math.round(skewSeconds)} s ${direction} the chain`, {
        data: { skewSeconds: Math.round(skewSeconds), direction },
      });
    }
    this.#offsetMs = offsetMs;
  }

  /** Seconds that the clock has jumped by since it was last found right; 0 within the tolerance. */
  jumpedSeconds(): number {
    const jumpMs = this.#parts.clock.nowMs() - performance.now() - this.#offsetMs;
    return Math.abs(jumpMs) > this.#toleranceSeconds * 1000 ? Math.round(jumpMs / 1000) : 0;
  }

  get #toleranceSeconds(): number {
    return Math.max(this.#parts.periodSeconds, 5);
  }
}
