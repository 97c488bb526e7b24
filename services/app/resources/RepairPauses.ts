const longestPauseMs = 3_600_000;

/** Who undoes a repair again and again gets it less and less often. */
export class RepairPauses {
  #count = 0;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** Whether it is time for one now, which then counts as done. `checkMs`: from one look at the resource to the next. */
  mayRepair(checkMs: number): boolean {
    const nowMs = performance.now();
    const pauseMs = this.#count === 0 ? 0 : Math.min(longestPauseMs, checkMs * 2 ** (this.#count - 1));
    const agoMs = nowMs - this.#lastMs;
    if (agoMs < pauseMs) return false;
    this.#count = agoMs > 10 * Math.max(pauseMs, checkMs) ? 1 : this.#count + 1;
    this.#lastMs = nowMs;
    return true;
  }
}
