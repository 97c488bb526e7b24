import type { Response } from 'express';
import type { Lifetime } from './Lifetime.ts';

/** Aborts when the client goes or the server stops: for whatever waits. */
export function callSignal(response: Response, lifetime: Lifetime): AbortSignal {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  return AbortSignal.any([gone.signal, lifetime.stopping]);
}
