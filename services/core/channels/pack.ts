import { sameBytes, utf8 } from '../bytes.ts';
import { NotariumError } from '../errors.ts';
import { hashBytes } from '../sha256.ts';
import { maxBillCount } from './bill.ts';

const magic = utf8('notarium-pack/1\n');
const countBytes = 4;

/** Bytes of a pack before its list: `notarium-pack/1`, a line feed, the number of contents (4 bytes, big-endian). */
export const packPreludeBytes = magic.length + countBytes;

/** Bytes of one line of the list: digest (32), size (8, big-endian). */
export const packEntryBytes = hashBytes + 8;

/** One content of a pack. */
export type PackMember = { readonly digest: Uint8Array; readonly sizeBytes: number };

/** The beginning of a pack, which lists what follows. */
export type PackList = {
  readonly count: number;
  /** n * 32 bytes: what the root of the bill is over. */
  readonly digests: Uint8Array;
  readonly sizesBytes: Float64Array;
  /** Of the whole pack. */
  readonly packBytes: number;
};

/** Bytes of prelude and list together. */
export function packListBytes(count: number): number {
  return packPreludeBytes + count * packEntryBytes;
}

/**
 * Prelude and list of a pack; the contents follow in the same order, one directly after the other.
 * @throws RangeError for fewer than two or more than {@link maxBillCount} contents.
 */
export function encodePackList(members: readonly PackMember[]): Uint8Array {
  if (members.length < 2 || members.length > maxBillCount)
    throw new RangeError(`a pack has 2 to ${maxBillCount} contents`);
  const bytes = new Uint8Array(packListBytes(members.length));
  const view = new DataView(bytes.buffer);
  bytes.set(magic);
  view.setUint32(magic.length, members.length);
  let at = packPreludeBytes;
  for (const { digest, sizeBytes } of members) {
    bytes.set(digest, at);
    view.setBigUint64(at + hashBytes, BigInt(sizeBytes));
    at += packEntryBytes;
  }
  return bytes;
}

/**
 * Number of contents, from the prelude of a pack.
 * @throws NotariumError `upload-invalid`.
 */
export function readPackPrelude(prelude: Uint8Array): number {
  if (prelude.length < packPreludeBytes) throw invalid('it ends before its list');
  if (!sameBytes(prelude.subarray(0, magic.length), magic)) throw invalid('it does not begin as a pack does');
  const count = new DataView(prelude.buffer, prelude.byteOffset, prelude.length).getUint32(magic.length);
  if (count < 2 || count > maxBillCount) throw invalid(`a pack has 2 to ${maxBillCount} contents`, count);
  return count;
}

/**
 * The list of a pack, from its first {@link packListBytes} bytes.
 * @throws NotariumError `upload-invalid` for sizes that no pack can have.
 */
export function readPackList(bytes: Uint8Array): PackList {
  const count = readPackPrelude(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const digests = new Uint8Array(count * hashBytes);
  const sizesBytes = new Float64Array(count);
  let packBytes = packListBytes(count);
  for (let index = 0, at = packPreludeBytes; index < count; index++, at += packEntryBytes) {
    digests.set(bytes.subarray(at, at + hashBytes), index * hashBytes);
    // Two halves: a BigInt for each of a million sizes would be most of the work.
    const sizeBytes = view.getUint32(at + hashBytes) * 2 ** 32 + view.getUint32(at + hashBytes + 4);
    packBytes += sizeBytes;
    if (!Number.isSafeInteger(packBytes)) throw invalid('its contents would be larger than any file', index);
    sizesBytes[index] = sizeBytes;
  }
  return { count, digests, sizesBytes, packBytes };
}

function invalid(detail: string, have?: number): NotariumError {
  return new NotariumError('upload-invalid', detail, have === undefined ? {} : { data: { have } });
}
