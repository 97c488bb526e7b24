import { access } from 'node:fs';
import { devNull } from 'node:os';

const everyMs = 1000;

/**
 * Gives the threads that do file work for this process something to do every second. glibc before 2.41 can lose the wake-up of such
 * a thread (sourceware.org bug 25847): what was asked for, an fsync for instance, then waits until anything else is asked for, which in a
 * process that waits for just that is never. Does not keep the process running.
 */
export function keepPoolAwake(): void {
  setInterval(() => access(devNull, () => {}), everyMs).unref();
}
