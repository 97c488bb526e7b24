import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';

/** How {@link WorkLoops} go about failures. */
export type WorkLoopsOptions = {
  readonly clock: Clock;
  readonly logger: Logger;
  /** First pause after a failure; each one after it is twice as long. */
  readonly retryMs: number;
  readonly maxRetryMs: number;
  /** What a failure is logged with. */
  readonly about: object;
};

/** Works that are done again each time that something has happened, side by side, until they are stopped. */
export class WorkLoops {
  readonly #options: WorkLoopsOptions;
  readonly #stop = new AbortController();
  readonly #sleeping = new Set<() => void>();
  #loops: Promise<unknown> = Promise.resolve();

  constructor(options: WorkLoopsOptions) {
    this.#options = options;
  }

  /** Aborts when the works are stopped. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Begins. @param works Each does one piece; false says that nothing is left to do until something happens. */
  start(...works: readonly (() => Promise<boolean>)[]): void {
    this.#loops = Promise.all(works.map((work) => this.#every(work)));
  }

  /** Something has happened: the works look again. */
  wake(): void {
    for (const wake of this.#sleeping) wake();
    this.#sleeping.clear();
  }

  /** Waits after so many failures in a row. */
  async pause(failures: number): Promise<void> {
    const { clock, retryMs, maxRetryMs } = this.#options;
    await clock.sleep(Math.min(maxRetryMs, retryMs * 2 ** Math.min(failures, 30)), this.signal);
  }

  /** Ends the works after what they are doing. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.wake();
    await this.#loops;
  }

  async #every(work: () => Promise<boolean>): Promise<void> {
    for (let failures = 0; !this.signal.aborted; ) {
      // Before the look, so that nothing is missed that happens during it.
      const woken = new Promise<void>((resolve) => this.#sleeping.add(resolve));
      try {
        if (!(await work())) await woken;
        failures = 0;
      } catch (error) {
        if (this.signal.aborted) return;
        this.#options.logger.warn({ err: error, ...this.#options.about }, 'the exchange goes on after a pause');
        await this.pause(failures++);
      }
    }
  }
}
