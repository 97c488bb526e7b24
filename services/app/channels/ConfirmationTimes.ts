const kept = 32;

/**
 * How long transactions have taken lately, and so how long before a deadline one must be sent: three times the longest of the
 * last 32, and never less than a given time. A chain that gets slow is given more time before it is too late, and so is one of which
 * nothing is known yet.
 */
export class ConfirmationTimes {
  readonly #leastSeconds: number;
  readonly #untriedSeconds: number;
  readonly #seconds: number[] = [];

  /** @param untriedSeconds Safety as long as nothing has been measured, where it is more. */
  constructor(leastSeconds: number, untriedSeconds = leastSeconds) {
    this.#leastSeconds = leastSeconds;
    this.#untriedSeconds = untriedSeconds;
  }

  /** One transaction took so long from the decision to a block. */
  add(seconds: number): void {
    this.#seconds.push(seconds);
    if (this.#seconds.length > kept) this.#seconds.shift();
  }

  safetyDeltaSeconds(): number {
    const known = this.#seconds.length > 0 ? 3 * Math.max(...this.#seconds) : this.#untriedSeconds;
    return Math.max(this.#leastSeconds, Math.ceil(known));
  }
}
