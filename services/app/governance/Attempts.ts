import { isNotariumError } from '../../core/errors.ts';

const firstPauseMs = 1_000;
const usualLongestPauseMs = 300_000;

/** One kind of work that may come to nothing: never twice at a time, and less and less often while it does not succeed. */
export class Attempts {
  #failures = 0;
  #nextMs = 0;
  #running: Promise<void> | undefined;
  #told: string | undefined;
  readonly #longestPauseMs: number;

  constructor(longestPauseMs = usualLongestPauseMs) {
    this.#longestPauseMs = longestPauseMs;
  }

  /** Neither under way nor to be left alone for now. */
  get isReady(): boolean {
    return this.#running === undefined && performance.now() >= this.#nextMs;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Forgets what came to nothing: something has changed. */
  reset(): void {
    this.#failures = 0;
    this.#nextMs = 0;
  }

  /**
   * Runs in the background.
   * @param run Answers whether it came to something.
   * @param onError Hears of what it throws, of the same error in a row once.
   */
  start(run: () => Promise<boolean>, onError: (error: unknown) => Promise<void> | void): void {
    this.#running = this.#run(run, onError);
  }

  /** Resolves when nothing is under way any more. */
  async ended(): Promise<void> {
    await this.#running;
  }

  async #run(run: () => Promise<boolean>, onError: (error: unknown) => Promise<void> | void): Promise<void> {
    try {
      this.#failures = (await run()) ? 0 : this.#failures + 1;
      this.#told = undefined;
    } catch (error) {
      this.#failures++;
      const name = isNotariumError(error) ? error.message : String(error);
      if (this.#told !== name) await onError(error);
      this.#told = name;
    } finally {
      // The first pause comes after a success too: what follows from it is not confirmed yet.
      const pauseMs = firstPauseMs * 2 ** Math.min(this.#failures, 16);
      this.#nextMs = performance.now() + Math.min(this.#longestPauseMs, pauseMs);
      this.#running = undefined;
    }
  }
}
