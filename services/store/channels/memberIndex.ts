import { type PackList, packListBytes } from '../../core/channels/pack.ts';
import { hashBytes } from '../../core/sha256.ts';

/*
 * Index of a pack: for each content digest (32), place in the pack (8) and size (8, big-endian both), in order of digest. Digests
 * are spread evenly, so that nearly always one read near the expected place finds one.
 */
const rowBytes = hashBytes + 16;

/** Where a content lies in its pack. */
export type MemberPlace = { readonly start: number; readonly sizeBytes: number };

/** Reads so many bytes of an index from a place on. */
export type ReadIndex = (start: number, sizeBytes: number) => Promise<Uint8Array>;

/** Makes the index of a pack. */
export function buildMemberIndex({ count, digests, sizesBytes }: PackList): Uint8Array {
  const starts = new Float64Array(count);
  let start = packListBytes(count);
  for (let index = 0; index < count; index++) {
    starts[index] = start;
    start += sizesBytes[index]!;
  }
  const rows = Buffer.allocUnsafe(count * rowBytes);
  orderOf(digests).forEach((index, row) => {
    const at = row * rowBytes;
    rows.set(digests.subarray(index * hashBytes, (index + 1) * hashBytes), at);
    writeUint(rows, starts[index]!, at + hashBytes);
    writeUint(rows, sizesBytes[index]!, at + hashBytes + 8);
  });
  return rows;
}

/** Looks a content up in an index of so many bytes. */
export async function findMember(
  digest: Uint8Array,
  indexBytes: number,
  read: ReadIndex,
): Promise<MemberPlace | undefined> {
  const wanted = Buffer.from(digest);
  const share = wanted.readUIntBE(0, 6) / 2 ** 48;
  let low = 0;
  let high = Math.floor(indexBytes / rowBytes);
  const window = 32 + Math.ceil(1.5 * Math.sqrt(high));
  // The first guess misses where somebody has chosen contents by their digests: after it, halves.
  for (let guess = Math.floor(share * high); low < high; guess = Math.floor((low + high) / 2)) {
    const first = Math.max(low, guess - window);
    const end = Math.min(high, guess + window);
    const rows = Buffer.from(await read(first * rowBytes, (end - first) * rowBytes));
    const at = lowerBound(rows, wanted);
    const isInside = at > 0 || first === low;
    if (at < rows.length / rowBytes && isInside) {
      const row = at * rowBytes;
      if (rows.compare(wanted, 0, hashBytes, row, row + hashBytes) !== 0) return undefined;
      return { start: readUint(rows, row + hashBytes), sizeBytes: readUint(rows, row + hashBytes + 8) };
    }
    if (isInside) low = end;
    else high = first + 1;
  }
  return undefined;
}

/** First digest, of many in order (n * 32 bytes), that a whole index has. */
export function firstInIndex(sorted: Uint8Array, rows: Uint8Array): Uint8Array | undefined {
  const index = Buffer.from(rows.buffer, rows.byteOffset, rows.length);
  const wanted = Buffer.from(sorted.buffer, sorted.byteOffset, sorted.length);
  for (let row = 0, at = 0; row < index.length && at < wanted.length; ) {
    const order = index.compare(wanted, at, at + hashBytes, row, row + hashBytes);
    if (order === 0) return sorted.subarray(at, at + hashBytes);
    if (order < 0) row += rowBytes;
    else at += hashBytes;
  }
  return undefined;
}

/** Digests (n * 32 bytes) in order. */
export function sortDigests(digests: Uint8Array): Uint8Array {
  const sorted = new Uint8Array(digests.length);
  orderOf(digests).forEach((index, place) => {
    sorted.set(digests.subarray(index * hashBytes, (index + 1) * hashBytes), place * hashBytes);
  });
  return sorted;
}

/** The digests of an index, in order: n * 32 bytes. */
export function sortedDigests(rows: Uint8Array): Uint8Array {
  const sorted = new Uint8Array((rows.length / rowBytes) * hashBytes);
  for (let row = 0, at = 0; row < rows.length; row += rowBytes, at += hashBytes) {
    sorted.set(rows.subarray(row, row + hashBytes), at);
  }
  return sorted;
}

/** Which of the digests comes first, second, … */
function orderOf(digests: Uint8Array): Uint32Array {
  const length = digests.length / hashBytes;
  const source = Buffer.from(digests.buffer, digests.byteOffset, digests.length);
  // Nearly always the first six bytes decide, and numbers compare faster.
  const keys = Float64Array.from({ length }, (_, index) => source.readUIntBE(index * hashBytes, 6));
  const digestAt = (index: number): Buffer => source.subarray(index * hashBytes, (index + 1) * hashBytes);
  return Uint32Array.from({ length }, (_, index) => index).sort(
    (a, b) => keys[a]! - keys[b]! || Buffer.compare(digestAt(a), digestAt(b)) || a - b,
  );
}

/** Number of the first row whose digest is not below the wanted one. */
function lowerBound(rows: Buffer, wanted: Buffer): number {
  let low = 0;
  let high = rows.length / rowBytes;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const at = middle * rowBytes;
    if (rows.compare(wanted, 0, hashBytes, at, at + hashBytes) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Sizes are below 2^53; a BigInt for each of a million would be most of the work.
function writeUint(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32BE(Math.floor(value / 2 ** 32), at);
  bytes.writeUInt32BE(value % 2 ** 32, at + 4);
}

function readUint(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}
