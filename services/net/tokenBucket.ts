import type { Clock } from '../lib/clock.ts';

/** A rate with a burst: tokens come in steadily, as many as the burst are kept. */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #clock: Clock;
  #level: number;
  #atMs: number;

  constructor(perSecond: number, burst: number, clock: Clock) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#clock = clock;
    this.#level = burst;
    this.#atMs = clock.nowMs();
  }

  /** Takes a token if there is one. */
  tryTake(): boolean {
    this.#fill();
    if (this.#level < 1) return false;
    this.#level--;
    return true;
  }

  /**
   * Takes tokens for what has come already, and waits until that is paid off: whoever reads only after the wait slows
   * the sender down. Several that wait share the rate. Returns early when the signal aborts.
   * @returns milliseconds that it had to wait.
   */
  async pay(count: number, signal: AbortSignal): Promise<number> {
    this.#fill();
    this.#level -= count;
    if (this.#level >= 0) return 0;
    const waitMs = (-this.#level / this.#perSecond) * 1000;
    await this.#clock.sleep(waitMs, signal);
    return waitMs;
  }

  #fill(): void {
    const nowMs = this.#clock.nowMs();
    // A clock that is set back gives nothing, and takes nothing away.
    const passedMs = Math.max(0, nowMs - this.#atMs);
    this.#atMs = nowMs;
    this.#level = Math.min(this.#burst, this.#level + (passedMs / 1000) * this.#perSecond);
  }
}
