/** A member that gives less at a time, or takes longer for it than a period, is not asked again for the rest. */
export const leastBytes = 1 << 20;
/** One that gives less than this in a period, so many times one after the other, is slow: others may be faster. */
const slowBytes = 16 << 20;
const slowTimes = 3;

/** How fast a file comes from a member, by the time that is waited for it. */
export class Pace {
  readonly #periodMs: number;
  /** Time until the next MiB has to be there. */
  leftMs: number;
  #bytes = 0;
  #period: { bytes: number; leftMs: number };
  #slowPeriods = 0;

  /** @param periodMs Most time of each MiB. */
  constructor(periodMs: number) {
    this.#periodMs = periodMs;
    this.leftMs = periodMs;
    this.#period = { bytes: 0, leftMs: periodMs };
  }

  came(bytes: number, waitedMs: number): void {
    this.leftMs = Math.max(0, this.leftMs - waitedMs);
    this.#bytes += bytes;
    if (this.#bytes >= leastBytes) [this.leftMs, this.#bytes] = [this.#periodMs, 0];
    this.#period.bytes += bytes;
    this.#period.leftMs -= waitedMs;
    if (this.#period.leftMs > 0) return;
    this.#slowPeriods = this.#period.bytes < slowBytes ? this.#slowPeriods + 1 : 0;
    this.#period = { bytes: 0, leftMs: this.#periodMs };
  }

  /** Now, and for some time. */
  get isSlow(): boolean {
    return this.#slowPeriods >= slowTimes;
  }
}
