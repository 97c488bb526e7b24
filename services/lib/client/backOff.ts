import { type Clock, systemClock } from '../clock.ts';

/** How often and how long to try again. */
export type BackOff = {
  /** Tries in all, the first included. */
  readonly tries: number;
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
};

/** Six tries in about eight seconds, if the centre does not ask for more time. */
export const defaultBackOff: BackOff = { tries: 6, firstDelayMs: 250, maxDelayMs: 10_000 };

/** No second try. */
export const onceOnly: BackOff = { tries: 1, firstDelayMs: 0, maxDelayMs: 0 };

/**
 * Waits before try number `tried + 1`: exponential with jitter, or as long as the centre asked by `Retry-After`.
 * @throws the signal's reason when it aborts meanwhile.
 */
export async function waitBeforeTry(
  tried: number,
  backOff: BackOff,
  options: { retryAfterMs?: number | undefined; signal?: AbortSignal | undefined; clock?: Clock },
): Promise<void> {
  const { retryAfterMs, signal, clock = systemClock } = options;
  const fullMs = Math.min(backOff.maxDelayMs, backOff.firstDelayMs * 2 ** (tried - 1));
  // Half fixed, half random: clients that failed together do not come back together.
  const delayMs = Math.max(fullMs / 2 + (Math.random() * fullMs) / 2, Math.min(retryAfterMs ?? 0, 60_000));
  await clock.sleep(delayMs, signal);
  signal?.throwIfAborted();
}
