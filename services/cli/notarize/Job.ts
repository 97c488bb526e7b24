import { access } from 'node:fs/promises';
import type { RecordId } from '../../core/bytes.ts';
import type { Crypto } from '../../core/crypto.ts';
import { NotariumError } from '../../core/errors.ts';
import { digestText, type NotariumRecord } from '../../core/record.ts';
import { verifyReceiptOffline } from '../../core/verifyReceipt.ts';
import { hashContent } from '../../lib/client/content.ts';
import type { Notarium } from '../../lib/client/Notarium.ts';
import { networkOf, type TrustedNetwork } from '../../lib/client/TrustedNetwork.ts';
import type { Target } from './collect.ts';
import { findAcceptance, findReceipt } from './evidenceFiles.ts';

/** How a run of `notarize` goes about. */
export type JobOptions = {
  readonly client: Notarium;
  readonly trusted: TrustedNetwork;
  readonly crypto: Crypto;
  /** Keep valid receipts, go on with acceptances. */
  readonly resume: boolean;
  /** Replace receipts that are there. */
  readonly force: boolean;
  readonly waitMs: number | undefined;
  readonly signal: AbortSignal;
};

/** What became of one file. */
export type Outcome =
  | {
      readonly path: string;
      readonly status: 'failed';
      readonly error: NotariumError;
      readonly id?: RecordId | undefined;
    }
  | {
      readonly path: string;
      readonly status: 'accepted' | 'anchored' | 'kept';
      readonly id: RecordId;
      readonly evidence: string;
    };

/** A hashed file, and how far it was brought by an earlier run. */
export type Hashed = {
  readonly target: Target;
  readonly digest: Uint8Array;
  readonly done?: Outcome;
  /** Accepted by an earlier run. */
  readonly known?: { readonly id: RecordId; readonly record?: NotariumRecord | undefined };
};

/** Hashes one file, and looks what is there of it. What fails is its outcome. */
export async function hashTarget(target: Target, job: JobOptions, onBytes: (count: number) => void): Promise<Hashed> {
  const { path, receiptPath, acceptancePath } = target;
  let readBytes = 0;
  const onProgress = (done: number): void => {
    onBytes(done - readBytes);
    readBytes = done;
  };
  try {
    if (!job.resume && !job.force && (await exists(receiptPath))) {
      throw new NotariumError('file-exists', receiptPath, { data: { path: receiptPath } });
    }
    const { digest } = await hashContent(path, { signal: job.signal, onProgress });
    if (!job.resume) return { target, digest };
    const kept = await keptReceipt(receiptPath, digest, job);
    if (kept !== undefined) {
      return { target, digest, done: { path, status: 'kept', id: kept, evidence: receiptPath } };
    }
    const known = await findAcceptance(acceptancePath, digestText(digest));
    return { target, digest, ...(known ? { known: { id: known.id, record: known.record } } : {}) };
  } catch (error) {
    if (!(error instanceof NotariumError)) throw error;
    return { target, digest: new Uint8Array(32), done: { path, status: 'failed', error } };
  }
}

/** Record id of a receipt that is there and valid for this content. */
async function keptReceipt(path: string, contentDigest: Uint8Array, job: JobOptions): Promise<RecordId | undefined> {
  const receipt = await findReceipt(path);
  if (receipt === undefined) return undefined;
  const { trusted, crypto } = job;
  const basis = { contentDigest, network: networkOf(trusted), committees: trusted.committees, crypto };
  const { ok, recordId } = verifyReceiptOffline(receipt, basis);
  return ok ? recordId : undefined;
}

/** Whether something has that name. */
export async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw new NotariumError('file-unreadable', path, { cause: error, data: { path } });
  }
}
