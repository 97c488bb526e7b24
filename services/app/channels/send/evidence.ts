import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Hash } from '../../../core/bytes.ts';
import { NotariumError } from '../../../core/errors.ts';
import type { Content } from '../../../lib/client/content.ts';
import { walkFiles } from '../../../lib/walkFiles.ts';

/** One content to be preserved. A stream is kept in the folder of the channel until it is paid for; its length need not be known. */
export type Evidence = {
  readonly content: Content;
  /** What its outcome is called; the path, or the digest, by default. */
  readonly name?: string | undefined;
  /** Where `writeReceipts` puts its receipt; nowhere by default. */
  readonly receiptPath?: string | ((digest: Hash) => string) | undefined;
};

/** The path of a file or folder (text, or a file: URL), bytes, or {@link Evidence}. */
export type Sendable = string | URL | Uint8Array | Evidence;

/** One, or many as they come. */
export type Sendables = Sendable | Iterable<Sendable> | AsyncIterable<Sendable>;

/** What was found to send, or what cannot be read. */
export type FoundEvidence = Evidence | { readonly path: string; readonly error: NotariumError };

/** Files of earlier runs, which are no evidence of their own. */
const receiptFile = /\.(receipt|acceptance)\.json$/;

/**
 * Each content of what was given: folders are walked, receipts in them left out.
 * @param receiptPathOf Where the receipt of a file belongs, by its absolute path.
 * @throws NotariumError `request-invalid` for what is neither.
 */
export async function* eachEvidence(
  given: Sendables,
  receiptPathOf: (path: string) => string | undefined = () => undefined,
  signal?: AbortSignal,
): AsyncGenerator<FoundEvidence, void, void> {
  for await (const one of isOne(given) ? [given] : many(given)) {
    if (one instanceof Uint8Array) yield { content: Uint8Array.from(one) };
    else if (typeof one === 'string' || one instanceof URL) yield* inside(one, receiptPathOf, signal);
    else if (typeof one !== 'object' || one === null || !('content' in one)) throw notEvidence();
    // A copy: whoever reads into the same memory again must not change what is paid for.
    else yield one.content instanceof Uint8Array ? { ...one, content: Uint8Array.from(one.content) } : one;
  }
}

function isOne(given: Sendables): given is Sendable {
  return (
    typeof given === 'string' || given instanceof URL || given instanceof Uint8Array || ('content' in given && !!given)
  );
}

/** The pieces of a stream of bytes are no contents of their own. */
function many(given: Iterable<Sendable> | AsyncIterable<Sendable>): Iterable<Sendable> | AsyncIterable<Sendable> {
  const isBytes = given instanceof Readable ? !given.readableObjectMode : given instanceof ReadableStream;
  if (isBytes) throw new NotariumError('request-invalid', 'a stream is one content: give { content: stream }');
  if (typeof given !== 'object' || !(Symbol.iterator in given || Symbol.asyncIterator in given)) throw notEvidence();
  return given;
}

async function* inside(
  given: string | URL,
  receiptPathOf: (path: string) => string | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<FoundEvidence, void, void> {
  if (given === '') throw new NotariumError('request-invalid', 'a path is empty');
  const root = resolve(typeof given === 'string' ? given : fileURLToPath(given));
  for await (const { path, error } of walkFiles([root], signal ? { signal } : {})) {
    if (error) yield { path, error };
    else if (path === root || !receiptFile.test(path)) yield { content: path, receiptPath: receiptPathOf(path) };
  }
}

function notEvidence(): NotariumError {
  return new NotariumError('request-invalid', 'neither a path, bytes, { content } nor many of these');
}
