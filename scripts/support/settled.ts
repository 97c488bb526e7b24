import { systemClock } from '../../services/lib/clock.ts';
import { stopping } from './stopping.ts';

/** Waits for something to come about; what it was at last, when the time is up. @throws why the script is stopped. */
export async function settled<T>(
  look: () => Promise<T>,
  isSettled: (value: T) => boolean,
  { limitMs, pauseMs }: { readonly limitMs: number; readonly pauseMs: number },
): Promise<T> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    const value = await look();
    stopping.throwIfAborted();
    if (isSettled(value) || performance.now() > endMs) return value;
    await systemClock.sleep(pauseMs, stopping);
  }
}
