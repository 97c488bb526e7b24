import type { Clock } from '../../services/lib/clock.ts';

type Sleep = { readonly ms: number; readonly untilMs: number; readonly wake: () => void };

/** A clock that stands still until a test moves it. */
export class SteppedClock implements Clock {
  readonly #sleeps = new Set<Sleep>();
  #nowMs = Date.UTC(2026, 10, 22);

  nowMs(): number {
    return this.#nowMs;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    await new Promise<void>((resolve) => {
      const sleep: Sleep = { ms, untilMs: this.#nowMs + ms, wake: () => resolve() };
      this.#sleeps.add(sleep);
      signal?.addEventListener('abort', () => {
        this.#sleeps.delete(sleep);
        resolve();
      });
    });
  }

  /** How long those who sleep now have asked for, those for longer than this. */
  sleeping(longerThanMs: number): number[] {
    return [...this.#sleeps].map(({ ms }) => ms).filter((ms) => ms > longerThanMs);
  }

  advance(ms: number): void {
    this.#nowMs += Math.ceil(ms);
    for (const sleep of this.#sleeps) {
      if (sleep.untilMs > this.#nowMs) continue;
      this.#sleeps.delete(sleep);
      sleep.wake();
    }
  }
}
