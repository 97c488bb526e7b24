import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { NotariumError } from '../core/errors.ts';
import {
  chunkBytes,
  chunkCount,
  chunkExtraBytes,
  fileKey,
  openChunk,
  plainBytesOf,
  sealedHeaderBytes,
  sealedTrailerBytes,
} from './sealed.ts';

/** A sealed file, wherever it is. */
export type SealedFile = {
  readonly sizeBytes: number;
  /** So many bytes from a place on. */
  read(start: number, sizeBytes: number): Promise<Readable>;
};

/**
 * Decrypts so many plain bytes of a sealed file from a place on; all of it by default. Memory stays constant.
 * @throws NotariumError `evidence-corrupt`.
 */
export async function* readSealed(
  file: SealedFile,
  contentKey: Uint8Array,
  { start = 0, sizeBytes }: { readonly start?: number; readonly sizeBytes?: number } = {},
): AsyncGenerator<Buffer, void, void> {
  const plainBytes = plainBytesOf(file.sizeBytes);
  const end = start + (sizeBytes ?? plainBytes - start);
  const count = chunkCount(plainBytes);
  const first = Math.min(count - 1, Math.floor(start / chunkBytes));
  const last = Math.max(first, chunkCount(end) - 1);
  const key = fileKey(contentKey, await buffer(await file.read(0, sealedHeaderBytes)));
  const sealedChunk = chunkBytes + chunkExtraBytes;
  const from = sealedHeaderBytes + first * sealedChunk;
  const to = Math.min(sealedHeaderBytes + (last + 1) * sealedChunk, file.sizeBytes - sealedTrailerBytes);
  let index = first;
  for await (const sealed of pieces(await file.read(from, to - from), sealedChunk)) {
    const plain = openChunk(key, index, index === count - 1, sealed);
    const begin = index * chunkBytes;
    yield plain.subarray(Math.max(0, start - begin), Math.max(0, Math.min(plain.length, end - begin)));
    index++;
  }
  // Where a stream ends early between two chunks, none of them says so.
  if (index <= last) throw new NotariumError('evidence-corrupt', `the sealed file ends before chunk ${index}`);
}

/** A stream cut into pieces of one size; the last may be shorter. */
export async function* pieces(
  stream: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  pieceBytes: number,
): AsyncGenerator<Buffer, void, void> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const chunk of stream) {
    held.push(chunk);
    heldBytes += chunk.length;
    if (heldBytes < pieceBytes) continue;
    const all = Buffer.concat(held);
    let at = 0;
    for (; all.length - at >= pieceBytes; at += pieceBytes) yield all.subarray(at, at + pieceBytes);
    held = [all.subarray(at)];
    heldBytes = all.length - at;
  }
  if (heldBytes > 0) yield Buffer.concat(held);
}
