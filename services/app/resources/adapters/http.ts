import { NotariumError } from '../../../core/errors.ts';
import { boundedBody } from '../../../lib/boundedBody.ts';
import type { Adapter } from './Adapter.ts';
import { actualJson, maxActualBytes } from './actualJson.ts';
import { resourceFailed } from './failure.ts';

/** Where an HTTP service keeps a configuration. */
export type HttpResource = {
  readonly url: string;
  /** Of every request, the secret ones too; values are never shown. */
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
};

/** Times that a write starts over because somebody else has changed the configuration in between. */
const maxConflicts = 5;

type Found = { readonly etag: string | undefined } & (
  | { readonly isThere: false }
  /** Undefined where it is larger than any configuration. */
  | { readonly isThere: true; readonly bytes: Uint8Array | undefined }
);

/**
 * An HTTP service: GET gives the configuration (404 and 410: none), PUT replaces it. With a strong ETag the PUT says which one
 * it replaces (If-Match, or If-None-Match where there was none); 412 makes it look again.
 */
export function httpAdapter({ url, headers, timeoutMs }: HttpResource): Adapter {
  const { origin, pathname } = new URL(url);
  // A query may hold a token.
  const name = `http ${origin}${pathname}`;

  async function call(method: 'GET' | 'PUT', signal: AbortSignal, more: Record<string, string>, body?: string) {
    try {
      const response = await fetch(url, {
        method,
        headers: { accept: 'application/json', ...headers, ...more },
        // A redirect could take the secret headers elsewhere.
        redirect: 'manual',
        signal,
        ...(body === undefined ? {} : { body }),
      });
      return { response, bytes: await boundedBody(response, maxActualBytes) };
    } catch (cause) {
      const { message, cause: reason } = cause as Error & { cause?: { code?: string } };
      throw resourceFailed(name, `${method}: ${reason?.code ?? message}`, cause);
    }
  }

  async function get(signal: AbortSignal): Promise<Found> {
    const { response, bytes } = await call('GET', signal, {});
    const etag = response.headers.get('etag') ?? undefined;
    if (response.status === 404 || response.status === 410) return { isThere: false, etag };
    if (response.status !== 200) throw resourceFailed(name, `GET was answered with ${response.status}`);
    return { isThere: true, etag, bytes };
  }

  return {
    name,
    async read(_asked, stop) {
      const found = await get(limited(stop));
      if (!found.isThere) return undefined;
      if (found.bytes === undefined)
        throw new NotariumError('json-too-large', name, { data: { want: maxActualBytes } });
      return actualJson(found.bytes);
    },
    async write({ configuration }, stop) {
      const signal = limited(stop);
      const body = JSON.stringify(configuration);
      for (let conflicts = 0; conflicts < maxConflicts; conflicts++) {
        const found = await get(signal);
        const { response } = await call(
          'PUT',
          signal,
          { 'content-type': 'application/json', ...condition(found) },
          body,
        );
        if (response.ok) return;
        if (response.status !== 412) throw resourceFailed(name, `PUT was answered with ${response.status}`);
      }
      throw resourceFailed(name, `somebody else changed it ${maxConflicts} times in between (412)`);
    },
  };

  function limited(stop: AbortSignal): AbortSignal {
    return AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)]);
  }
}

/** RFC 9110 section 13.1.1: a weak ETag never matches If-Match. */
function condition(found: Found): Record<string, string> {
  if (!found.isThere) return { 'if-none-match': '*' };
  return found.etag === undefined || found.etag.startsWith('W/') ? {} : { 'if-match': found.etag };
}
