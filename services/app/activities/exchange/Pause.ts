import type { ActivityParts } from '../ActivityParts.ts';

/** Until when nothing is tried again, after so many failures. */
export type Pause = { failures: number; nextMs: number };

/** Pause after so many failures: twice as long each time, up to the longest that the operator wants. */
export function pauseMs({ retryMs, maxRetryMs }: ActivityParts['settings'], failures: number): number {
  return Math.min(maxRetryMs, retryMs * 2 ** Math.min(failures, 20));
}

/** One failure more. */
export function lengthen(pause: Pause, { clock, settings }: Pick<ActivityParts, 'clock' | 'settings'>): void {
  pause.nextMs = clock.nowMs() + pauseMs(settings, pause.failures++);
}
