import { basename } from 'node:path';
import type { Address, RecordId } from '../../core/bytes.ts';
import type { NotariumRecord, UnsignedRecord } from '../../core/recordSchema.ts';

/** What a client states; the rest of the record follows from the network, the clock and the key. */
export type Draft = {
  /** What it is about, 1 to 256 characters; everybody can read it in the log. */
  readonly subject: string;
  /** `sha-256:<hex>` of the content. */
  readonly digest: string;
  /** `evidence` by default. */
  readonly kind?: string;
  /** Now by default. */
  readonly time?: string | Date;
  /** The record must not be sealed after this time. */
  readonly expires?: string | Date;
  readonly supersedes?: RecordId;
  readonly holder?: Address;
  /** Small JSON object; everybody can read it in the log. */
  readonly meta?: Readonly<Record<string, unknown>>;
};

/** Whether a value is a record that somebody signed already. */
export function isSigned(value: NotariumRecord | Draft): value is NotariumRecord {
  return 'signature' in value;
}

const isoOf = (time: string | Date): string => (typeof time === 'string' ? time : time.toISOString());

/** The record that a draft stands for, but for its submitter. */
export function completeDraft(draft: Draft, network: string, nowMs: number): Omit<UnsignedRecord, 'submitter'> {
  const { kind = 'evidence', time = new Date(nowMs), expires, meta, ...rest } = draft;
  return {
    v: 1,
    network,
    kind,
    ...rest,
    time: isoOf(time),
    ...(expires === undefined ? {} : { expires: isoOf(expires) }),
    ...(meta === undefined ? {} : { meta: { ...meta } }),
  } as Omit<UnsignedRecord, 'submitter'>;
}

/** A draft as the centre takes it from a client with an API key, and signs it itself. */
export function draftForCentre(draft: Draft, nowMs: number): Record<string, unknown> {
  const { kind = 'evidence', time = new Date(nowMs), expires, ...rest } = draft;
  return { kind, ...rest, time: isoOf(time), ...(expires === undefined ? {} : { expires: isoOf(expires) }) };
}

/** Subject of a file's record: `file:` and its path as given, its end only where that is too long. */
export function fileSubject(path: string): string {
  const text = `file:${path.toWellFormed()}`;
  const characters = [...text];
  return characters.length <= 256 ? text : `file:…/${[...basename(path.toWellFormed())].slice(-240).join('')}`;
}
