import { createHash } from 'node:crypto';
import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { NotariumError } from '../core/errors.ts';

/** SHA-256 of a file. */
export type FileHash = {
  /** 32 bytes. */
  readonly digest: Uint8Array;
  readonly sizeBytes: number;
};

const chunkBytes = 1 << 20;

/**
 * SHA-256 of a file of any size, in constant memory. The digest is of one state of the file: when the file was written,
 * replaced, cut or grew meanwhile, there is no digest.
 * @param options.onProgress Called after each piece with the bytes read so far and the size.
 * @param options.signal Ends the reading; the signal's reason is thrown.
 * @throws NotariumError `file-unreadable` (also for folders, pipes and devices), `file-changed`; data `{ path }`.
 */
export async function hashFile(
  path: string,
  options: { signal?: AbortSignal; onProgress?: (readBytes: number, sizeBytes: number) => void } = {},
): Promise<FileHash> {
  options.signal?.throwIfAborted();
  try {
    // Without O_NONBLOCK the opening of a pipe waits for a writer.
    const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      return await hashOpenFile(file, path, options);
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof NotariumError || options.signal?.aborted) throw cause;
    if (!isSystemError(cause)) throw cause;
    throw new NotariumError('file-unreadable', `${path} (${cause.code})`, { data: { path, cause: cause.code }, cause });
  }
}

async function hashOpenFile(
  file: FileHandle,
  path: string,
  options: { signal?: AbortSignal; onProgress?: (readBytes: number, sizeBytes: number) => void },
): Promise<FileHash> {
  const before = await file.stat({ bigint: true });
  if (!before.isFile()) {
    throw new NotariumError('file-unreadable', `${path} is not a file`, { data: { path, cause: 'not-a-file' } });
  }
  const sizeBytes = Number(before.size);
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(chunkBytes, sizeBytes + 1)));
  let readBytes = 0;
  for (;;) {
    options.signal?.throwIfAborted();
    const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
    if (bytesRead === 0) break;
    readBytes += bytesRead;
    // A log that grows as fast as it is read would never end.
    if (readBytes > sizeBytes) throw changed(path);
    hash.update(buffer.subarray(0, bytesRead));
    options.onProgress?.(readBytes, sizeBytes);
  }
  if (readBytes !== sizeBytes || !sameState(before, await file.stat({ bigint: true }))) throw changed(path);
  // The name may lead to another file by now (an editor saves by renaming).
  if (!sameState(before, await statNow(path))) throw changed(path);
  return { digest: new Uint8Array(hash.digest()), sizeBytes };
}

async function statNow(path: string): Promise<BigIntStats> {
  try {
    return await stat(path, { bigint: true });
  } catch (cause) {
    if (!isSystemError(cause)) throw cause;
    throw new NotariumError('file-changed', `${path} (${cause.code})`, { data: { path }, cause });
  }
}

function sameState(a: BigIntStats, b: BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs;
}

function changed(path: string): NotariumError {
  return new NotariumError('file-changed', path, { data: { path } });
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException & { code: string } {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).code === 'string';
}
