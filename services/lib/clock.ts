import { setTimeout as delay } from 'node:timers/promises';

/** Time as the rest of the code sees it, so that tests can set it. */
export type Clock = {
  /** Unix milliseconds. */
  nowMs(): number;
  /** Resolves after the time, or at once when the signal aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
};

// Node runs a timer of more than this after 1 ms.
const maxTimerMs = 2 ** 31 - 1;

/** The machine's clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  async sleep(ms, signal) {
    if (signal?.aborted) return;
    try {
      let leftMs = ms;
      do {
        await delay(Math.min(leftMs, maxTimerMs), undefined, signal ? { signal } : {});
        leftMs -= maxTimerMs;
      } while (leftMs > 0);
    } catch (error) {
      if (!signal?.aborted) throw error;
    }
  },
};
