import { createHash, randomBytes } from 'node:crypto';
import type { Attachment } from '../../core/activities/contents.ts';
import { fromHex, toHex } from '../../core/bytes.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import { pieces, readSealed, type SealedFile } from '../readSealed.ts';
import { chunkBytes, fileKey, newSealedHeader, type RandomBytes, sealChunk, sealedBytesOf } from '../sealed.ts';

/** What a message says of a sealed file, beside its name. */
export type SealedSummary = Pick<Attachment, 'sizeBytes' | 'digest' | 'sealedBytes' | 'sealedDigest' | 'key'>;

/** A file on its way through the encryption. */
export type Sealing = {
  /** What is handed out and stored, to be read once, to its end. */
  readonly sealed: AsyncGenerator<Uint8Array, void, void>;
  /** @throws Error before `sealed` has been read to its end. */
  summary(): SealedSummary;
};

/**
 * Encrypts a file of any size under a random key of its own, in constant memory. The format is that of lib/sealed.ts: each piece is
 * authenticated with its place and with whether it is the last one, so that pieces can be read singly, and none of them can be changed,
 * moved, left out or taken from another file unseen. Both digests are made on the way.
 * @param content Chunks of any size. What it throws comes out of `sealed`.
 */
export function sealFile(
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  random: RandomBytes = randomBytes,
): Sealing {
  let summary: SealedSummary | undefined;
  async function* sealed(): AsyncGenerator<Uint8Array, void, void> {
    const contentKey = random(32);
    const header = newSealedHeader(random);
    const key = fileKey(contentKey, header);
    const plainSum = createHash('sha256');
    const sealedSum = createHash('sha256').update(header);
    let sizeBytes = 0;
    let index = 0;
    const seal = (plain: Uint8Array, isLast: boolean): Uint8Array => {
      const chunk = sealChunk(key, index++, isLast, plain, random);
      plainSum.update(plain);
      sealedSum.update(chunk);
      sizeBytes += plain.length;
      return chunk;
    };
    yield header;
    // Which piece is the last one is known when no other comes; an empty file has one, which is empty.
    let held: Uint8Array = new Uint8Array();
    for await (const piece of pieces(content, chunkBytes)) {
      if (held.length > 0) yield seal(held, false);
      held = piece;
    }
    yield seal(held, true);
    const trailer = sealedSum.copy().digest();
    yield trailer;
    summary = {
      sizeBytes,
      digest: toHex(plainSum.digest()),
      sealedBytes: sealedBytesOf(sizeBytes),
      sealedDigest: toHex(sealedSum.update(trailer).digest()),
      key: toHex(contentKey),
    };
  }
  return {
    sealed: sealed(),
    summary: () => {
      if (!summary) throw new Error('the file has not been read to its end');
      return summary;
    },
  };
}

/**
 * Decrypts a sealed file, or so many plain bytes of it from a place on, in constant memory. Every byte that comes out is
 * authenticated; of the whole file the digest is checked too, so do not call it good before the end has come.
 * @param file Where the sealed bytes are: on the disk, in a bucket, at another member.
 * @throws NotariumError `attachment-corrupt` when it is not what the message says of it; `request-range-invalid` for a range that the
 *   file does not have.
 */
export async function* openSealedFile(
  file: SealedFile,
  attachment: SealedSummary,
  range: { readonly start?: number; readonly sizeBytes?: number } = {},
): AsyncGenerator<Uint8Array, void, void> {
  const { start = 0, sizeBytes = attachment.sizeBytes - start } = range;
  const isWhole = start === 0 && sizeBytes === attachment.sizeBytes;
  const fits = [start, sizeBytes].every((value) => Number.isSafeInteger(value) && value >= 0);
  if (!fits || start + sizeBytes > attachment.sizeBytes) {
    throw new NotariumError('request-range-invalid', undefined, { data: { start, sizeBytes } });
  }
  if (file.sizeBytes !== attachment.sealedBytes || sealedBytesOf(attachment.sizeBytes) !== attachment.sealedBytes) {
    throw new NotariumError('attachment-corrupt', 'it does not have the size that the message says');
  }
  const sum = createHash('sha256');
  try {
    for await (const plain of readSealed(file, fromHex(attachment.key), { start, sizeBytes })) {
      if (isWhole) sum.update(plain);
      if (plain.length > 0) yield plain;
    }
  } catch (cause) {
    if (!isNotariumError(cause, 'evidence-corrupt')) throw cause;
    throw new NotariumError('attachment-corrupt', cause.detail, { cause, data: cause.data });
  }
  if (isWhole && toHex(sum.digest()) !== attachment.digest) {
    throw new NotariumError('attachment-corrupt', 'it does not have the digest that the message says');
  }
}
