import { promiseDigest } from '../core/acceptance.ts';
import { fromHex } from '../core/bytes.ts';
import type { Crypto } from '../core/crypto.ts';
import type { Network } from '../core/eip712.ts';
import { type ErrorCode, type ErrorData, NotariumError } from '../core/errors.ts';
import { checkRecordNetwork, checkRecordSignature, digestBytes, readRecord } from '../core/record.ts';
import { leafHash } from '../core/sha256.ts';

/** Why a line was not taken, in a form that crosses threads. */
export type LineFailure = {
  readonly index: number;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly data: ErrorData;
};

/** A checked record, ready to be stored. `index` is its line. */
export type CheckedLine = {
  readonly index: number;
  readonly id: Uint8Array;
  readonly entry: Uint8Array;
  readonly leafHash: Uint8Array;
  readonly digest: Uint8Array;
  readonly subject: string;
  readonly submitter: Uint8Array;
  readonly holder: Uint8Array;
  readonly expiresMs: number | null;
  readonly supersedes: Uint8Array | null;
  /** 65 bytes; undefined where the thread has no key. */
  readonly acceptance: Uint8Array | undefined;
};

/** Lines that were checked, in order, and those that failed. */
export type CheckedLines = { readonly checked: readonly CheckedLine[]; readonly failed: readonly LineFailure[] };

/** What the check needs besides the lines. `promise` is what the acceptances say. */
export type LineCheck = {
  readonly network: Network;
  readonly crypto: Crypto;
  readonly sign: ((digest: Uint8Array) => Uint8Array) | undefined;
  readonly nowMs: number;
  readonly promise: { readonly acceptedAt: number; readonly includeBySlot: number };
};

/**
 * Reads and checks records: form, network, id, signature, expiry. Also signs their acceptances, which the caller must
 * not give away before the records are on disk. A bad line fails alone.
 */
export function checkLines(lines: readonly string[], check: LineCheck): CheckedLines {
  const checked: CheckedLine[] = [];
  const failed: LineFailure[] = [];
  lines.forEach((line, index) => {
    try {
      checked.push(checkLine(line, index, check));
    } catch (error) {
      if (!(error instanceof NotariumError)) throw error;
      failed.push({ index, code: error.code, detail: error.detail, data: error.data });
    }
  });
  return { checked, failed };
}

function checkLine(line: string, index: number, check: LineCheck): CheckedLine {
  const { crypto, network, nowMs, promise, sign } = check;
  const { record, idBytes, entry } = readRecord(line, crypto);
  checkRecordNetwork(record, network);
  const expiresMs = record.expires === undefined ? null : Date.parse(record.expires);
  if (expiresMs !== null && expiresMs <= nowMs) throw new NotariumError('record-expired', record.expires);
  checkRecordSignature(record, idBytes, crypto);
  const submitter = fromHex(record.submitter);
  return {
    index,
    id: idBytes,
    entry,
    leafHash: leafHash(entry, crypto.sha256),
    digest: digestBytes(record.digest),
    subject: record.subject,
    submitter,
    holder: record.holder === undefined ? submitter : fromHex(record.holder),
    expiresMs,
    supersedes: record.supersedes === undefined ? null : fromHex(record.supersedes),
    acceptance: sign?.(promiseDigest(network, idBytes, promise, crypto.keccak256)),
  };
}
