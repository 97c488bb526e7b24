import type { Refusal } from '../core/acceptance.ts';
import type { NotariumError } from '../core/errors.ts';

/** An accepted record, as intake hands it over. */
export type PoolRow = {
  /** 32 bytes. */
  readonly id: Uint8Array;
  readonly entry: Uint8Array;
  /** 32 bytes. */
  readonly leafHash: Uint8Array;
  /** Unix seconds. */
  readonly acceptedAt: number;
  readonly includeBySlot: number;
  /** 64 or 65 bytes; one byte for a promise that nobody wanted to have signed, none where this centre has promised nothing. */
  readonly acceptance: Uint8Array;
  /** Unix milliseconds. */
  readonly expiresMs: number | null;
  /** 32 bytes. */
  readonly supersedes: Uint8Array | null;
  /** 20 bytes: who may supersede this record. */
  readonly holder: Uint8Array;
  /** 32 bytes. */
  readonly digest: Uint8Array;
  readonly subject: string;
  /** 20 bytes. */
  readonly submitter: Uint8Array;
};

/** What is promised for a row, and when. */
export type PoolPromise = Pick<PoolRow, 'acceptedAt' | 'includeBySlot' | 'acceptance'>;

/** What became of one row of {@link Store.admit}. */
export type AdmitOutcome =
  | { readonly status: 'accepted'; readonly seq: number }
  /** The same id again, not yet in the log: the promise made the first time. */
  | {
      readonly status: 'pooled';
      readonly acceptedAt: number;
      readonly includeBySlot: number;
      readonly acceptance: Uint8Array;
    }
  | { readonly status: 'logged'; readonly leafIndex: number }
  | { readonly status: 'refused'; readonly refusal: Refusal }
  /** Another record already supersedes the same predecessor. */
  | { readonly status: 'rival'; readonly winner: Uint8Array }
  | { readonly status: 'predecessor-unknown' }
  | { readonly status: 'holder-mismatch'; readonly holder: Uint8Array }
  /** `tile-corrupt`: what the log has of the record, or of its predecessor, is damaged. */
  | { readonly status: 'failed'; readonly error: NotariumError };

/** Size of the pool. `bytes` counts entries; `oldestAcceptedAt` is in Unix seconds. */
export type PoolStatus = {
  readonly count: number;
  readonly bytes: number;
  readonly oldestAcceptedAt: number | null;
  /** Of the newest row that there ever was; 0 before the first. */
  readonly lastSeq: number;
};

/** The oldest pool rows that are in no live block, packed: item i of each array belongs to one row. */
export type PoolCut = {
  readonly count: number;
  readonly seqs: Float64Array;
  /** 32 bytes each. */
  readonly ids: Uint8Array;
  /** 32 bytes each. */
  readonly leafHashes: Uint8Array;
  /** Unix milliseconds; Infinity for a row that never expires. */
  readonly expiresMs: Float64Array;
  /** Only the rows that supersede something. */
  readonly supersedes: readonly { readonly index: number; readonly predecessor: Uint8Array }[];
};

/** A pool row as {@link Store.findRecord} answers it. */
export type PooledRecord = {
  readonly seq: number;
  readonly entry: Uint8Array;
  readonly acceptedAt: number;
  readonly includeBySlot: number;
  readonly acceptance: Uint8Array;
};

/** What the check of a proposed block needs of pool rows, by the place of their ids in the question. */
export type PoolLeaves = {
  /** NaN for an id that is not in the pool; nothing else is said of it. */
  readonly seqs: Float64Array;
  /** 32 bytes each. */
  readonly leafHashes: Uint8Array;
  /** Unix milliseconds; Infinity for a row that never expires. */
  readonly expiresMs: Float64Array;
  /** Only the rows that supersede something, in no order. */
  readonly supersedes: readonly { readonly index: number; readonly predecessor: Uint8Array }[];
};

/** Where a record stands. */
export type FoundRecord =
  | ({ readonly where: 'pool' } & PooledRecord)
  | { readonly where: 'log'; readonly leafIndex: number; readonly entry: Uint8Array }
  | { readonly where: 'refused'; readonly refusal: Refusal; readonly entry: Uint8Array };
