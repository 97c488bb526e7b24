import type { Hash } from '../../../core/bytes.ts';
import { NotariumError } from '../../../core/errors.ts';
import type { HttpVerifier } from './HttpVerifier.ts';

/** Content as a verifier gives it, in pieces; whoever reads it checks its digest. */
export type VerifierContent = { readonly sizeBytes: number; readonly content: AsyncIterable<Uint8Array> };

/**
 * Content that the channel has paid for.
 * @throws NotariumError those of {@link HttpVerifier.content}; the content: `server-unreachable` when the connection breaks.
 */
export async function contentOf(
  verifier: Pick<HttpVerifier, 'content'>,
  digest: Hash,
  options: { readonly key?: Hash | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<VerifierContent> {
  const { key, signal } = options;
  const response = await verifier.content(digest, { ...(key ? { key } : {}), ...(signal ? { signal } : {}) });
  const sizeBytes = Number(response.headers.get('content-length') ?? Number.NaN);
  if (!Number.isSafeInteger(sizeBytes))
    throw new NotariumError('server-answer-invalid', 'the verifier does not say how long the content is');
  return { sizeBytes, content: piecesOf(response, signal) };
}

async function* piecesOf({ body }: Response, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void, void> {
  try {
    for await (const piece of body ?? []) yield piece;
  } catch (cause) {
    signal?.throwIfAborted();
    throw new NotariumError('server-unreachable', 'the connection broke off', { cause });
  }
}
