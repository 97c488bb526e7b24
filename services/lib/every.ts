import { type Clock, systemClock } from './clock.ts';
import type { Logger } from './logger.ts';

/** A loop that {@link every} runs. */
export type Loop = {
  /** Runs so far that threw. */
  readonly failures: () => number;
  /** Resolves after the last run has ended; abort the signal first. */
  readonly done: Promise<void>;
};

/**
 * Runs `fn` again and again, `periodMs` after the end of the run before: runs never overlap, a failing run is logged and
 * counted and the next one comes all the same. Ends, after the last run, when the signal aborts.
 */
export function every(
  periodMs: number,
  fn: (signal: AbortSignal) => Promise<void>,
  options: { signal: AbortSignal; logger: Logger; name: string; clock?: Clock; onFailure?: (error: unknown) => void },
): Loop {
  const { signal, logger, name, clock = systemClock, onFailure } = options;
  let failures = 0;
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        await fn(signal);
      } catch (error) {
        // A run that the signal cut short has not failed; one that broke while it was being stopped has.
        if (signal.aborted && isAbort(error, signal)) break;
        failures++;
        onFailure?.(error);
        logger.error({ err: error, loop: name, failures }, 'a run of a loop failed');
      }
      await clock.sleep(periodMs, signal);
    }
  };
  return { failures: () => failures, done: run() };
}

function isAbort(error: unknown, signal: AbortSignal): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at === signal.reason || at.name === 'AbortError') return true;
  }
  return error === signal.reason;
}
