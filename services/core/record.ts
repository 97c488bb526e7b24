import type { z } from 'zod';
import { type Address, fromHex, fromUtf8, type RecordId, sameBytes, toHex, utf8 } from './bytes.ts';
import { canonicalBytes, canonicalText } from './canonicalJson.ts';
import { readCanonicalRecord } from './canonicalRecord.ts';
import { type Crypto, portableCrypto } from './crypto.ts';
import { type Network, networkName, parseNetworkName, structHasher } from './eip712.ts';
import { type ErrorCode, NotariumError } from './errors.ts';
import {
  maxEntryBytes,
  maxMetaBytes,
  maxRecordDepth,
  type NotariumRecord,
  recordSchema,
  type UnsignedRecord,
  unsignedRecordSchema,
} from './recordSchema.ts';
import { recoverAddress, type Signer, signatureBytes } from './signature.ts';
import { parseStrictJson } from './strictJson.ts';

// A posted text may hold white space and escapes that the canonical form has not, but not without end.
const maxTextSize = 2 * maxEntryBytes;

/** A record with what follows from its bytes. */
export type CheckedRecord = {
  readonly record: NotariumRecord;
  readonly id: RecordId;
  readonly idBytes: Uint8Array;
  /** Canonical bytes with the signature: what the log holds. */
  readonly entry: Uint8Array;
};

const codeOfField: Readonly<Partial<Record<string, ErrorCode>>> = {
  v: 'record-version-unsupported',
  digest: 'record-digest-invalid',
  time: 'record-time-invalid',
  expires: 'record-time-invalid',
  signature: 'signature-malformed',
};

/**
 * Checks the form of a record given as an object. What comes back is its reading after a trip through JSON.
 * @throws NotariumError `record-invalid`, `record-unknown-field`, `record-version-unsupported`, `record-digest-invalid`,
 *   `record-time-invalid`, `record-meta-too-large`, `record-too-large`, `json-too-deep`, `json-number-not-canonical`,
 *   `signature-malformed`.
 */
export function asRecord(value: unknown): NotariumRecord {
  return formOf(recordSchema, plainJson(value)).record;
}

/** Checks the form of a record that is still to be signed. Same errors as {@link asRecord}. */
export function asUnsignedRecord(value: unknown): UnsignedRecord {
  return formOf(unsignedRecordSchema, plainJson(value)).record;
}

/** An object of ours may hold what JSON cannot say (NaN, undefined, a Date, a cycle); nobody must sign that. */
function plainJson(value: unknown): unknown {
  let text: string;
  try {
    text = canonicalText(value);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'not JSON';
    throw new NotariumError('record-invalid', reason, { cause });
  }
  return parseRecordJson(text);
}

function parseRecordJson(text: string): unknown {
  if (text.length > maxTextSize) throw tooLarge(text.length);
  return parseStrictJson(text, { maxSize: maxTextSize, maxDepth: maxRecordDepth });
}

function tooLarge(have: number): NotariumError {
  return new NotariumError('record-too-large', undefined, { data: { have, want: maxEntryBytes } });
}

/** A record of good form, and the canonical text of its `meta`, so that it is made only once. */
type Form<T> = { readonly record: T; readonly metaText: string | undefined };

function formOf<T extends UnsignedRecord>(schema: z.ZodType<T>, value: unknown): Form<T> {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw invalidRecord(parsed.error);
  const { meta } = parsed.data;
  return { record: parsed.data, metaText: meta && textOfMeta(meta) };
}

function textOfMeta(meta: Record<string, unknown>): string {
  const text = canonicalText(meta);
  const sizeBytes = utf8(text).length;
  if (sizeBytes > maxMetaBytes) {
    throw new NotariumError('record-meta-too-large', undefined, { data: { have: sizeBytes, want: maxMetaBytes } });
  }
  return text;
}

function invalidRecord(error: z.ZodError): NotariumError {
  const unknown = error.issues.find((issue) => issue.code === 'unrecognized_keys');
  if (unknown) {
    const fields = unknown.keys.slice(0, 8).map((key) => key.slice(0, 64).toWellFormed());
    return new NotariumError('record-unknown-field', fields.join(', '), { data: { fields } });
  }
  const issue = error.issues[0]!;
  const field = String(issue.path[0] ?? '');
  return new NotariumError(codeOfField[field] ?? 'record-invalid', `${field || 'record'}: ${issue.message}`, {
    data: { field },
  });
}

/** Bytes that the record id is the SHA-256 of: canonical JSON without `signature`. */
export function recordIdBytes(record: UnsignedRecord | NotariumRecord, crypto: Crypto = portableCrypto): Uint8Array {
  const { signature: _, ...unsigned } = record as NotariumRecord;
  return crypto.sha256(canonicalBytes(unsigned));
}

const hasher = structHasher('Record(bytes32 id)');

/** What a submitter signs: EIP-712 `Record(bytes32 id)` in the record's network. */
export function recordDigest(network: Network, idBytes: Uint8Array, keccak256 = portableCrypto.keccak256): Uint8Array {
  return hasher.digest(network, [idBytes], keccak256);
}

/**
 * Signs a record. `submitter` is the signer's address.
 * @throws NotariumError as {@link asUnsignedRecord}; `record-too-large`.
 */
export async function signRecord(
  unsigned: Omit<UnsignedRecord, 'submitter'>,
  signer: Signer,
  crypto: Crypto = portableCrypto,
): Promise<CheckedRecord> {
  const whole = asUnsignedRecord({ ...unsigned, submitter: signer.address });
  const network = parseNetworkName(whole.network)!;
  const signature = await signer.sign(recordDigest(network, recordIdBytes(whole, crypto), crypto.keccak256));
  return checkedOf(formOf(recordSchema, { ...whole, signature: toHex(signature) }), crypto);
}

// RFC 8785 order of all fields.
const fieldOrder = [...recordSchema.keyof().options].sort();

/** Both canonical texts, with the signature and without it, in one pass: intake does this for every record. */
function checkedOf({ record, metaText }: Form<NotariumRecord>, crypto: Crypto): CheckedRecord {
  let signed = '';
  let unsigned = '';
  for (const name of fieldOrder) {
    const value = record[name];
    if (value === undefined) continue;
    // The schema leaves only v = 1 and well-formed strings, and for those JSON.stringify writes what RFC 8785 asks for.
    const member = `"${name}":${name === 'meta' ? metaText : JSON.stringify(value)},`;
    signed += member;
    if (name !== 'signature') unsigned += member;
  }
  const entry = utf8(`{${signed.slice(0, -1)}}`);
  if (entry.length > maxEntryBytes) throw tooLarge(entry.length);
  return withId(record, entry, `{${unsigned.slice(0, -1)}}`, crypto);
}

function withId(record: NotariumRecord, entry: Uint8Array, unsigned: string, crypto: Crypto): CheckedRecord {
  const idBytes = crypto.sha256(utf8(unsigned));
  return { record, id: toHex(idBytes), idBytes, entry };
}

/**
 * Reads a record as a client posts it: any whitespace and key order, one reading only. Checks the form of the signature,
 * not who made it.
 * @throws NotariumError the `json-…` codes of {@link parseStrictJson} and those of {@link asRecord}.
 */
export function readRecord(text: string, crypto: Crypto = portableCrypto): CheckedRecord {
  const canonical = readCanonicalRecord(text);
  if (!canonical) return readAnyRecord(text, crypto);
  const entry = utf8(text);
  if (entry.length > maxEntryBytes) throw tooLarge(entry.length);
  return withId(canonical.record, entry, canonical.unsigned, crypto);
}

/** {@link readRecord} by the long way, which takes every spelling and knows every error. */
export function readAnyRecord(text: string, crypto: Crypto = portableCrypto): CheckedRecord {
  return checkedOf(formOf(recordSchema, parseRecordJson(text)), crypto);
}

/**
 * Reads an entry of the log: exactly the canonical bytes of a record. Does not check who signed it.
 * @throws NotariumError `record-not-canonical`, `text-not-utf8`, and those of {@link readRecord}.
 */
export function parseEntry(entry: Uint8Array, options: { crypto?: Crypto } = {}): CheckedRecord {
  if (entry.length > maxEntryBytes) throw tooLarge(entry.length);
  let text: string;
  try {
    text = fromUtf8(entry);
  } catch (cause) {
    throw new NotariumError('text-not-utf8', undefined, { cause });
  }
  const checked = readRecord(text, options.crypto);
  if (!sameBytes(checked.entry, entry)) throw new NotariumError('record-not-canonical');
  return checked;
}

/**
 * Checks that the submitter signed the record in the network that it names.
 * @throws NotariumError `signature-malformed`, `signature-malleable`, `signature-mismatch`.
 */
export function checkRecordSignature(
  record: NotariumRecord,
  idBytes: Uint8Array,
  crypto: Crypto = portableCrypto,
): void {
  const network = parseNetworkName(record.network);
  if (!network) throw new NotariumError('record-invalid', 'network');
  const digest = recordDigest(network, idBytes, crypto.keccak256);
  const signer = recoverAddress(crypto, digest, signatureBytes(record.signature));
  if (signer !== record.submitter) {
    throw new NotariumError('signature-mismatch', 'record', { data: { have: signer, want: record.submitter } });
  }
}

/**
 * Checks that a record belongs to the network.
 * @throws NotariumError `record-network-mismatch`.
 */
export function checkRecordNetwork(record: NotariumRecord, network: Network): void {
  const want = networkName(network);
  if (record.network !== want) {
    throw new NotariumError('record-network-mismatch', undefined, { data: { have: record.network, want } });
  }
}

/** Who may supersede a record. */
export function holderOf(record: NotariumRecord): Address {
  return record.holder ?? record.submitter;
}

/** 32 bytes of a `sha-256:…` digest. */
export function digestBytes(digest: string): Uint8Array {
  return fromHex(digest.slice('sha-256:'.length));
}

/** `sha-256:…` of 32 bytes. */
export function digestText(bytes: Uint8Array): `sha-256:${string}` {
  return `sha-256:${toHex(bytes).slice(2)}`;
}
