import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { NotariumError } from '../core/errors.ts';
import { ClientGoneError } from './BodySource.ts';

/**
 * Checks that a body is declared to be of one of the media types. A request that names none is taken at its word.
 * @throws NotariumError `request-media-type-unsupported`.
 */
export function checkMediaType(request: IncomingMessage, types: readonly string[]): void {
  const header = request.headers['content-type'];
  if (header === undefined || header === types[0]) return;
  const [type = '', ...parameters] = header.toLowerCase().split(';');
  const charset = parameters.find((parameter) => parameter.trim().startsWith('charset='));
  const isUtf8Text = charset === undefined || /^\s*charset="?utf-?8"?\s*$/.test(charset);
  if (types.includes(type.trim()) && isUtf8Text) return;
  throw new NotariumError('request-media-type-unsupported', header.slice(0, 100), { data: { want: types } });
}

/**
 * Checks that a body is not compressed.
 * @throws NotariumError `request-encoding-unsupported`.
 */
export function requireIdentityEncoding(request: IncomingMessage): void {
  const encoding = request.headers['content-encoding'];
  if (encoding === undefined || encoding.toLowerCase() === 'identity') return;
  throw new NotariumError('request-encoding-unsupported', encoding.slice(0, 40), { data: { want: ['identity'] } });
}

/** Error of a body over its bound. */
export function tooLarge(wantBytes: number, haveBytes?: number): NotariumError {
  return new NotariumError('request-too-large', `more than ${wantBytes} bytes`, {
    data: { want: wantBytes, ...(haveBytes === undefined ? {} : { have: haveBytes }) },
  });
}

/** Errors of the strict parser, and of bytes that are no text. */
export const jsonTextErrors = [
  'json-malformed',
  'json-duplicate-key',
  'json-lone-surrogate',
  'json-number-not-canonical',
  'json-too-deep',
  'json-too-large',
  'text-not-utf8',
] as const;

/** Errors of {@link readJsonText}, and of the strict parser that gets its text. */
export const jsonBodyErrors = [
  ...jsonTextErrors,
  'request-too-large',
  'request-timeout',
  'request-media-type-unsupported',
  'request-encoding-unsupported',
] as const;

/**
 * Text of a body that is JSON, and not compressed; what it says is for the caller to parse.
 * @throws NotariumError `request-media-type-unsupported`, `request-encoding-unsupported`, those of {@link readText}.
 */
export async function readJsonText(
  request: IncomingMessage,
  limits: { maxBytes: number; idleMs: number },
): Promise<string> {
  checkMediaType(request, ['application/json']);
  requireIdentityEncoding(request);
  return await readText(request, limits);
}

/**
 * Whole body of a request as text.
 * @throws NotariumError `text-not-utf8`, those of {@link readBytes}; ClientGoneError.
 */
async function readText(request: IncomingMessage, limits: { maxBytes: number; idleMs: number }): Promise<string> {
  const bytes = await readBytes(request, limits);
  if (!isUtf8(bytes)) throw new NotariumError('text-not-utf8');
  return bytes.toString('utf8');
}

/**
 * Whole body of a request.
 * @throws NotariumError `request-too-large`, `request-timeout`; ClientGoneError.
 */
export function readBytes(request: IncomingMessage, limits: { maxBytes: number; idleMs: number }): Promise<Buffer> {
  const { maxBytes, idleMs } = limits;
  return new Promise((resolve, reject) => {
    const declared = Number(request.headers['content-length'] ?? 0);
    if (declared > maxBytes) {
      reject(tooLarge(maxBytes, declared));
      return;
    }
    let first: Buffer | undefined;
    let chunks: Buffer[] | undefined;
    let sizeBytes = 0;
    const leave = (): void => {
      clearTimeout(timer);
      request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
    };
    const fail = (error: Error): void => {
      leave();
      reject(error);
    };
    const onData = (chunk: Buffer): void => {
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes) {
        fail(tooLarge(maxBytes));
        return;
      }
      timer.refresh();
      if (first === undefined) first = chunk;
      else if (chunks === undefined) chunks = [first, chunk];
      else chunks.push(chunk);
    };
    const onEnd = (): void => {
      leave();
      resolve(chunks ? Buffer.concat(chunks) : (first ?? Buffer.alloc(0)));
    };
    const onClose = (): void => fail(new ClientGoneError('the client closed the connection'));
    const timer = setTimeout(() => fail(new NotariumError('request-timeout', `no byte in ${idleMs} ms`)), idleMs);
    request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  });
}
