import type { RecordId } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { verifyReceiptOffline } from '../../core/verifyReceipt.ts';
import { checkAcceptanceOf } from '../../lib/client/Trust.ts';
import { networkOf } from '../../lib/client/TrustedNetwork.ts';
import { exists } from '../exists.ts';
import { type AcceptanceFile, findAcceptance, findReceipt } from './evidenceFiles.ts';
import type { JobOptions } from './JobOptions.ts';

/** Whether there is something; a name that nothing can have is told now, before anything is posted. */
async function isThere(path: string): Promise<boolean> {
  try {
    return await exists(path);
  } catch (error) {
    const { cause } = error as { cause?: NodeJS.ErrnoException };
    if (cause?.code !== 'ENOTDIR' && cause?.code !== 'ENAMETOOLONG') throw error;
    throw new NotariumError('file-unwritable', `${path} (${cause.code})`, { cause, data: { path, cause: cause.code } });
  }
}

/**
 * Evidence of earlier runs may be the only proof of an earlier time: without `--force` nothing that is there is replaced.
 * @throws NotariumError `file-exists`, `file-unwritable`.
 */
export async function requireAbsent(path: string, job: JobOptions, why?: string): Promise<void> {
  if (!(await isThere(path)) || job.force) return;
  throw new NotariumError('file-exists', why === undefined ? path : `${path} (${why})`, { data: { path } });
}

/** A content, or a whole aggregate, by its digest. */
type Wanted = { readonly content: Uint8Array } | { readonly aggregate: string };

/**
 * Record id of the receipt that an earlier run wrote for this; undefined where the place is free.
 * @throws NotariumError `file-exists` where anything else is there, `file-unwritable`.
 */
export async function priorReceipt(path: string, wanted: Wanted, job: JobOptions): Promise<RecordId | undefined> {
  const receipt = job.resume && (await isThere(path)) ? await findReceipt(path) : undefined;
  if (receipt !== undefined) {
    const { trusted, crypto } = job;
    const contentDigest = 'content' in wanted ? wanted.content : undefined;
    const basis = { contentDigest, network: networkOf(trusted), committees: trusted.committees, crypto };
    const { ok, record, recordId } = verifyReceiptOffline(receipt, basis);
    if (ok && ('content' in wanted || record?.digest === wanted.aggregate)) return recordId;
  }
  await requireAbsent(path, job, job.resume ? 'not a valid receipt of this content on this network' : undefined);
  return undefined;
}

/**
 * What an earlier run knew of a content that was accepted; undefined where the place is free.
 * @throws NotariumError `file-exists` where anything else is there, `file-unwritable`.
 */
export async function priorAcceptance(
  path: string,
  digest: string,
  job: JobOptions,
): Promise<AcceptanceFile | undefined> {
  const found = job.resume && (await isThere(path)) ? await findAcceptance(path, digest) : undefined;
  if (found !== undefined && isOfNetwork(found, job)) return found;
  await requireAbsent(path, job, job.resume ? 'not an acceptance of this content on this network' : undefined);
  return undefined;
}

function isOfNetwork({ id, record, acceptance }: AcceptanceFile, { trusted, crypto }: JobOptions): boolean {
  if (record !== undefined) return record.network === trusted.network;
  if (acceptance === undefined) return true;
  try {
    checkAcceptanceOf(id, acceptance, trusted, crypto);
    return true;
  } catch (error) {
    if (error instanceof NotariumError) return false;
    throw error;
  }
}
