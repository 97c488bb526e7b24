import type { Response } from 'express';
import type { Lifetime } from './Lifetime.ts';

/** Aborts when the client goes or the server stops: for whatever waits. */
export function callSignal(response: Response, { stopping }: Lifetime): AbortSignal {
  const controller = new AbortController();
  const abort = (): void => {
    stopping.removeEventListener('abort', abort);
    controller.abort();
  };
  response.on('close', abort);
  stopping.addEventListener('abort', abort);
  if (stopping.aborted || response.destroyed) abort();
  return controller.signal;
}
