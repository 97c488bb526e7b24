import { fromHex, sameBytes } from '../core/bytes.ts';
import { parseEntry } from '../core/record.ts';
import type { NotariumRecord } from '../core/recordSchema.ts';
import type { Logger } from '../lib/logger.ts';
import { nativeSha256 } from '../lib/nativeSha256.ts';

/*
 * Keys of the postings: 52 bits, so that they are exact numbers everywhere. They only narrow the search; every hit is
 * confirmed by its entry, so two values with one key cost a look, never a wrong answer.
 */

/** Key of a record id: its first 52 bits. */
export function idKey(id: Uint8Array): number {
  return first52(id, 0);
}

/** Key of a content digest. Told apart from an id that has the same bytes by a constant. */
export function digestKey(digest: Uint8Array): number {
  return first52(digest, 0x5d);
}

/** Key of a submitter's address: it is a hash already. */
export function submitterKey(address: Uint8Array): number {
  return first52(address, 0xa7);
}

/** Key of a subject: cyrb53 (public domain, bryc), cut to 52 bits; computed for every record, hence not SHA-256. */
export function subjectKey(subject: string): number {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let index = 0; index < subject.length; index++) {
    const code = subject.charCodeAt(index);
    high = Math.imul(high ^ code, 2654435761);
    low = Math.imul(low ^ code, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return 0x100000000 * (low & 0xfffff) + (high >>> 0);
}

function first52(bytes: Uint8Array, salt: number): number {
  const high = ((bytes[0]! ^ salt) << 16) | (bytes[1]! << 8) | bytes[2]!;
  const low = ((bytes[3]! << 20) | (bytes[4]! << 12) | (bytes[5]! << 4) | (bytes[6]! >> 4)) >>> 0;
  return high * 0x10000000 + low;
}

const signatureStart = Buffer.from(',"signature":"');

/**
 * Id of an entry of the log, without reading its JSON. Canonical JSON sorts `signature` after `meta`, the only field with
 * names of its own, and no string can hold these very bytes: the last such place is the record's signature.
 */
export function idOfEntry(entry: Uint8Array): Uint8Array {
  const bytes = Buffer.from(entry.buffer, entry.byteOffset, entry.length);
  const start = bytes.lastIndexOf(signatureStart);
  const end = start < 0 ? -1 : bytes.indexOf(0x22, start + signatureStart.length);
  if (end < 0) return parseEntry(entry).idBytes;
  return nativeSha256(Buffer.concat([bytes.subarray(0, start), bytes.subarray(end + 1)]));
}

/** Whether an entry of the log is the record with that id. One that damage has made no record at all is none. */
export function isEntryOf(entry: Uint8Array, id: Uint8Array): boolean {
  try {
    return sameBytes(idOfEntry(entry), id);
  } catch {
    return false;
  }
}

/** What an index has to know of an entry. */
export type EntryIndex = {
  readonly id: Uint8Array;
  /** Keys by which it is found: record id, digest, subject, submitter. */
  readonly keys: readonly number[];
  readonly supersedes: Uint8Array | undefined;
};

/** Reads an entry for the indexes. @throws Error when it is no record. */
export function indexOfEntry(entry: Uint8Array): EntryIndex {
  const { digest, subject, submitter, supersedes } = JSON.parse(new TextDecoder().decode(entry)) as NotariumRecord;
  const id = idOfEntry(entry);
  const keys = [
    idKey(id),
    digestKey(fromHex(digest.slice('sha-256:'.length))),
    subjectKey(subject),
    submitterKey(fromHex(submitter)),
  ];
  return { id, keys, supersedes: supersedes === undefined ? undefined : fromHex(supersedes) };
}

/**
 * As {@link indexOfEntry}; undefined, and logged, where it is no record. What a quorum has put into the log stays in it, even
 * if we cannot read it.
 */
export function indexIfRecord(entry: Uint8Array, logger: Logger): EntryIndex | undefined {
  try {
    return indexOfEntry(entry);
  } catch (error) {
    logger.error({ err: error }, 'an entry of an anchored block is no record: it is kept, but cannot be found by id');
    return undefined;
  }
}
