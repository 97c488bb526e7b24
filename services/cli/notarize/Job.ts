import type { RecordId } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { digestText } from '../../core/record.ts';
import type { NotariumRecord } from '../../core/recordSchema.ts';
import { hashContent } from '../../lib/client/content.ts';
import type { Target } from './collect.ts';
import type { JobOptions } from './JobOptions.ts';
import { priorAcceptance, priorReceipt, requireAbsent } from './priorEvidence.ts';

/** What became of one file. The id of a failed one says that the centre has its record. */
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
    if (!job.resume) {
      // Before the file, which may be large, is read.
      await requireAbsent(receiptPath, job);
      if (!job.aggregate) await requireAbsent(acceptancePath, job);
    }
    const { digest } = await hashContent(path, { signal: job.signal, onProgress });
    if (!job.resume) return { target, digest };
    const kept = await priorReceipt(receiptPath, { content: digest }, job);
    if (kept !== undefined) {
      return { target, digest, done: { path, status: 'kept', id: kept, evidence: receiptPath } };
    }
    const known = job.aggregate ? undefined : await priorAcceptance(acceptancePath, digestText(digest), job);
    return { target, digest, ...(known ? { known: { id: known.id, record: known.record } } : {}) };
  } catch (error) {
    if (!(error instanceof NotariumError)) throw error;
    return { target, digest: new Uint8Array(32), done: { path, status: 'failed', error } };
  }
}
