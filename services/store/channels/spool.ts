import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { pieces } from '../../lib/readSealed.ts';
import {
  chunkBytes,
  chunkCount,
  chunkExtraBytes,
  fileKey,
  newSealedHeader,
  openChunk,
  sealChunk,
  sealedHeaderBytes,
} from '../../lib/sealed.ts';

/** The file that an upload grows in. Its bytes are the very ones that are kept in the end. */
export type Spool = {
  /** Plain bytes that are in the file, from the beginning; after a restart this comes before the first write. */
  replay(): AsyncGenerator<Uint8Array, void, void>;
  begin(): Promise<void>;
  write(plain: Uint8Array): Promise<void>;
  /** Writes what is held back. @param isWhole All of the upload has been written. */
  end(isWhole: boolean): Promise<void>;
};

/** Size of a file; 0 where there is none. */
export async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}

/**
 * A file that holds the bytes as they come.
 * @param syncs Whether the whole of it is on the disk when it ends; else whoever moves it sees to that.
 */
export function plainSpool(path: string, syncs = false): Spool {
  let file: FileHandle | undefined;
  return {
    async *replay() {
      if ((await sizeOf(path)) > 0) yield* createReadStream(path, { highWaterMark: 1 << 20 });
    },
    async begin() {
      file = await open(path, 'a');
    },
    async write(plain) {
      await file!.writeFile(plain);
    },
    async end(isWhole) {
      try {
        if (syncs && isWhole) await file?.sync();
      } finally {
        await file?.close();
        file = undefined;
      }
    },
  };
}

/**
 * A file that holds the bytes encrypted, see lib/sealed.ts. What does not fill a chunk yet is written as one that is not the
 * last, and again when more has come.
 * @param sizeBytes Plain bytes of the whole upload.
 */
export function sealedSpool(path: string, contentKey: Uint8Array, sizeBytes: number): Spool {
  const last = chunkCount(sizeBytes) - 1;
  const recordBytes = chunkBytes + chunkExtraBytes;
  const lastRecordBytes = sizeBytes - last * chunkBytes + chunkExtraBytes;
  let file: FileHandle | undefined;
  let key: Uint8Array | undefined;
  let sum = createHash('sha256');
  /** Whole chunks in the file, and what comes after them. */
  let index = 0;
  let tail: Buffer = Buffer.alloc(0);

  const writeAt = async (bytes: Uint8Array, at: number): Promise<number> => {
    await file!.write(bytes, 0, bytes.length, at);
    return at + bytes.length;
  };
  const writeChunk = async (plain: Uint8Array, isLast: boolean): Promise<void> => {
    const sealed = sealChunk(key!, index, isLast, plain);
    await writeAt(sealed, sealedHeaderBytes + index * recordBytes);
    sum.update(sealed);
    index++;
  };
  return {
    async *replay() {
      const fileBytes = await sizeOf(path);
      if (fileBytes < sealedHeaderBytes) return;
      const body = createReadStream(path, { start: sealedHeaderBytes, highWaterMark: 1 << 20 });
      const header = await readHeader(path);
      key = fileKey(contentKey, header);
      sum = createHash('sha256').update(header);
      index = 0;
      tail = Buffer.alloc(0);
      for await (const piece of pieces(body, recordBytes)) {
        if (index > last) break;
        const isLast = index === last && piece.length >= lastRecordBytes;
        const sealed = isLast ? piece.subarray(0, lastRecordBytes) : piece;
        let plain: Buffer;
        try {
          plain = openChunk(key, index, isLast, sealed);
        } catch {
          // A kill has left half a chunk: it is sent again.
          break;
        }
        yield plain;
        if (!isLast && sealed.length < recordBytes) {
          tail = plain;
          break;
        }
        sum.update(sealed);
        index++;
      }
      body.destroy();
    },
    async begin() {
      file = await open(path, key ? 'r+' : 'w');
      if (!key) {
        const header = newSealedHeader();
        key = fileKey(contentKey, header);
        sum = createHash('sha256').update(header);
        await file.write(header, 0, header.length, 0);
      }
    },
    async write(plain) {
      let all: Buffer =
        tail.length === 0 ? Buffer.from(plain.buffer, plain.byteOffset, plain.length) : Buffer.concat([tail, plain]);
      while (all.length > chunkBytes || (all.length === chunkBytes && index < last)) {
        await writeChunk(all.subarray(0, chunkBytes), false);
        all = all.subarray(chunkBytes);
      }
      tail = Buffer.from(all);
    },
    async end(isWhole) {
      try {
        if (isWhole) {
          if (index === last) await writeChunk(tail, true);
          tail = Buffer.alloc(0);
          await writeAt(sum.copy().digest(), sealedHeaderBytes + last * recordBytes + lastRecordBytes);
        } else if (tail.length > 0) {
          const end = await writeAt(sealChunk(key!, index, false, tail), sealedHeaderBytes + index * recordBytes);
          // Half a chunk of a killed process may be longer.
          await file!.truncate(end);
        }
      } finally {
        await file?.close();
        file = undefined;
      }
    },
  };
}

async function readHeader(path: string): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const header = Buffer.alloc(sealedHeaderBytes);
    await file.read(header, 0, header.length, 0);
    return header;
  } finally {
    await file.close();
  }
}
