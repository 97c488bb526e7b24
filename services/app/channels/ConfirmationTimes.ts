const kept = 32;

/**
 * How long transactions have taken lately, and so how long before a deadline one must be sent: three times the longest of the
 * last 32, and never less than a given time. A chain that gets slow is given more time before it is too late.
 */
export class ConfirmationTimes {
  readonly #leastSeconds: number;
  readonly #seconds: number[] = [];

  /** @param leastSeconds Safety where nothing has been measured. */
  constructor(leastSeconds: number) {
    this.#leastSeconds = leastSeconds;
  }

  /** One transaction took so long from the decision to a block. */
  add(seconds: number): void {
    this.#seconds.push(seconds);
    if (this.#seconds.length > kept) this.#seconds.shift();
  }

  safetyDeltaSeconds(): number {
    return Math.max(this.#leastSeconds, Math.ceil(3 * Math.max(0, ...this.#seconds)));
  }
}
