import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { NotariumError } from '../../core/errors.ts';
import { hashFile } from '../hashFile.ts';

/** Content to be hashed: the path of a file (a string or a file: URL), bytes, or a stream of bytes. */
export type Content = string | URL | Uint8Array | AsyncIterable<Uint8Array>;

/** SHA-256 of a content. */
export type ContentHash = { readonly digest: Uint8Array; readonly sizeBytes: number };

/**
 * SHA-256 of a content of any size, in constant memory. The content goes nowhere.
 * @throws NotariumError `file-unreadable`, `file-changed`; the signal's reason.
 */
export async function hashContent(
  content: Content,
  options: {
    signal?: AbortSignal | undefined;
    onProgress?: ((readBytes: number, sizeBytes: number) => void) | undefined;
  } = {},
): Promise<ContentHash> {
  const { signal, onProgress } = options;
  if (typeof content === 'string' || content instanceof URL) {
    const path = typeof content === 'string' ? content : fileURLToPath(content);
    return hashFile(path, { ...(signal ? { signal } : {}), ...(onProgress ? { onProgress } : {}) });
  }
  const hash = createHash('sha256');
  if (content instanceof Uint8Array) {
    hash.update(content);
    return { digest: new Uint8Array(hash.digest()), sizeBytes: content.length };
  }
  let sizeBytes = 0;
  for await (const chunk of content) {
    signal?.throwIfAborted();
    // A stream of text has no bytes of its own: its encoding would be our guess.
    if (!(chunk instanceof Uint8Array)) throw new NotariumError('request-invalid', 'the stream gives no bytes');
    hash.update(chunk);
    sizeBytes += chunk.length;
    onProgress?.(sizeBytes, sizeBytes);
  }
  return { digest: new Uint8Array(hash.digest()), sizeBytes };
}
