import { NotariumError } from '../errors.ts';
import { tileWidth } from './tile.ts';

/** Largest entry that a bundle can carry: its length is a uint16. */
const maxBundledBytes = 0xffff;

/**
 * Bytes of an entry bundle (C2SP tlog-tiles): each entry after its length as a big-endian uint16.
 * @throws RangeError for an entry above 65,535 bytes (records end at 16 KiB) or more than 256 entries.
 */
export function encodeEntries(entries: readonly Uint8Array[]): Uint8Array {
  if (entries.length > tileWidth) throw new RangeError('a bundle holds up to 256 entries');
  const bundle = new Uint8Array(entries.reduce((sizeBytes, entry) => sizeBytes + 2 + entry.length, 0));
  let at = 0;
  for (const entry of entries) {
    if (entry.length > maxBundledBytes) throw new RangeError('the entry is too large for a bundle');
    bundle[at] = entry.length >> 8;
    bundle[at + 1] = entry.length & 0xff;
    bundle.set(entry, at + 2);
    at += 2 + entry.length;
  }
  return bundle;
}

/**
 * Where each entry of a bundle begins, with its two bytes of length; the last number is the size of the bundle.
 * @throws NotariumError `tile-corrupt` when the lengths do not add up, or there are more than 256 entries.
 */
export function entryOffsets(bundle: Uint8Array): Uint32Array {
  const begins: number[] = [0];
  for (let at = 0; at < bundle.length; ) {
    at += 2 + ((bundle[at]! << 8) | (bundle[at + 1] ?? 0));
    if (at > bundle.length || begins.length > tileWidth) throw new NotariumError('tile-corrupt', 'entry bundle');
    begins.push(at);
  }
  return Uint32Array.from(begins);
}

/**
 * Entries of a bundle, as views of its bytes.
 * @throws NotariumError as {@link entryOffsets}.
 */
export function decodeEntries(bundle: Uint8Array): Uint8Array[] {
  const begins = entryOffsets(bundle);
  return Array.from({ length: begins.length - 1 }, (_, at) => bundle.subarray(begins[at]! + 2, begins[at + 1]!));
}
