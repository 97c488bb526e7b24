import type { Clock } from '../../lib/clock.ts';
import { Waiters } from '../Waiters.ts';

/** A clock for one loop of `every`, whose pause can be cut short. */
export class WakefulClock implements Clock {
  readonly #clock: Clock;
  readonly #waiters = new Waiters();
  #isWoken = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ends the pause; a run that is under way is followed by another one at once. */
  wake(): void {
    this.#isWoken = true;
    this.#waiters.wake();
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (!this.#isWoken) await this.#waiters.wait(ms, signal);
    this.#isWoken = false;
  }
}
