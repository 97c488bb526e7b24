import { once } from 'node:events';
import { exitInterrupted } from '../../services/cli/exitCodes.ts';

const stop = new AbortController();

/** Aborts on Ctrl-C and on SIGTERM. */
export const stopping: AbortSignal = stop.signal;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // Whoever asks twice does not want to wait; chain and centre are killed with this process.
    if (stopping.aborted) process.exit(exitInterrupted);
    stop.abort(new DOMException('interrupted', 'AbortError'));
  });
}

/** Waits for work no longer than until everything is to stop; what is stopped under it may then fail unheard. */
export async function unlessStopped<T>(work: Promise<T>): Promise<T> {
  work.catch(() => {});
  stopping.throwIfAborted();
  const stopped = new AbortController();
  const abort = once(stopping, 'abort', { signal: stopped.signal }).then(() => stopping.throwIfAborted() as never);
  abort.catch(() => {});
  try {
    return await Promise.race([work, abort]);
  } finally {
    stopped.abort();
  }
}
