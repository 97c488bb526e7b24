import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { fromHex, type Hash } from '../../../core/bytes.ts';
import { encodePackList } from '../../../core/channels/pack.ts';
import { NotariumError } from '../../../core/errors.ts';

/** What is uploaded: bytes that can be read again from any place on, as often as the connection breaks. */
export type UploadSource = {
  readonly sizeBytes: number;
  /** From a place to the end. */
  read(start: number): AsyncIterable<Uint8Array>;
};

/** A content, with what was found when it was hashed: a file, or bytes in memory. */
export type HashedFile = {
  readonly path: string;
  readonly bytes?: Uint8Array | undefined;
  readonly sizeBytes: number;
  readonly digest: Hash;
};

/** Content in memory. */
export function memorySource(bytes: Uint8Array): UploadSource {
  return {
    sizeBytes: bytes.length,
    async *read(start) {
      yield bytes.subarray(start);
    },
  };
}

/** A file as it lies on the disk, read piece by piece; or its bytes. */
export function fileSource(file: Omit<HashedFile, 'digest'>): UploadSource {
  if (file.bytes) return memorySource(file.bytes);
  return { sizeBytes: file.sizeBytes, read: (start) => readFrom(file.path, file.sizeBytes, start) };
}

/** Many files as one pack (core/channels/pack.ts), put together while it is read: nothing is copied to the disk. */
export function packSource(files: readonly HashedFile[]): UploadSource {
  const list = encodePackList(files.map(({ digest, sizeBytes }) => ({ digest: fromHex(digest), sizeBytes })));
  const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, list.length);
  return {
    sizeBytes,
    async *read(start) {
      if (start < list.length) yield list.subarray(start);
      let begin = list.length;
      for (const file of files) {
        const end = begin + file.sizeBytes;
        if (end > start) yield* fileSource(file).read(Math.max(0, start - begin));
        begin = end;
      }
    },
  };
}

/**
 * The rest of a file.
 * @throws NotariumError `file-changed` when it has not its size any more, `file-unreadable`.
 */
async function* readFrom(path: string, sizeBytes: number, start: number): AsyncGenerator<Uint8Array, void, void> {
  if (start === sizeBytes) return;
  let at = start;
  try {
    if ((await stat(path)).size !== sizeBytes) throw changed(path);
    for await (const chunk of createReadStream(path, { start, end: sizeBytes - 1, highWaterMark: 256 * 1024 })) {
      at += (chunk as Buffer).length;
      yield chunk as Buffer;
    }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (cause instanceof NotariumError || typeof code !== 'string') throw cause;
    throw new NotariumError('file-unreadable', `${path} (${code})`, { data: { path, cause: code }, cause });
  }
  if (at !== sizeBytes) throw changed(path);
}

function changed(path: string): NotariumError {
  return new NotariumError('file-changed', path, { data: { path } });
}
