import type { Address, Hash } from '../bytes.ts';
import { fromHex } from '../bytes.ts';
import { digestText } from '../record.ts';
import type { UnsignedRecord } from '../recordSchema.ts';
import { type AdmissionRefusal, admissionKind, type Report } from './report.ts';

/** Subject of all records about a candidate. */
export const admissionSubject = (candidate: Address): string => `admission:${candidate}`;

/**
 * The record that puts a report or refusal into the log. All of it follows from the document: whoever has that knows the
 * record's id, and so whether the authenticator has put it there.
 * @param hash Of the document, as `sealedReport` gives it.
 */
export function outcomeRecord(document: Report | AdmissionRefusal, hash: Hash): UnsignedRecord {
  const { network, candidate, time, purpose, authenticator } = document;
  const outcome = 'code' in document ? { outcome: 'failed', code: document.code } : { outcome: 'passed' };
  return {
    v: 1,
    network,
    kind: admissionKind,
    subject: admissionSubject(candidate),
    digest: digestText(fromHex(hash)),
    time,
    meta: { purpose, ...outcome },
    submitter: authenticator,
  };
}
