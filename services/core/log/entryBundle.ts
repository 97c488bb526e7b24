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
 * Entries of a bundle, as views of its bytes.
 * @throws NotariumError `tile-corrupt` when the lengths do not add up, or there are more than 256 entries.
 */
export function decodeEntries(bundle: Uint8Array): Uint8Array[] {
  const entries: Uint8Array[] = [];
  for (let at = 0; at < bundle.length; ) {
    const sizeBytes = (bundle[at]! << 8) | (bundle[at + 1] ?? 0);
    const end = at + 2 + sizeBytes;
    if (end > bundle.length || entries.length === tileWidth) throw new NotariumError('tile-corrupt', 'entry bundle');
    entries.push(bundle.subarray(at + 2, end));
    at = end;
  }
  return entries;
}
