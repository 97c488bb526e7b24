import { join } from 'node:path';
import { hexDigits, type RecordId } from '../../core/bytes.ts';
import type { NotariumError } from '../../core/errors.ts';
import type { Receipt } from '../../core/receipt.ts';
import { digestBytes } from '../../core/record.ts';
import type { Draft } from '../../lib/client/draft.ts';
import { mapInOrder } from '../../lib/client/jobs.ts';
import { aggregateMembers, type MemberSet } from '../../lib/client/memberReceipts.ts';
import { asNotariumError } from '../Output.ts';
import type { Target } from './collect.ts';
import { acceptanceFile, dropAcceptance, writeJson } from './evidenceFiles.ts';
import { type Hashed, hashTarget, type Outcome } from './Job.ts';
import type { JobOptions } from './JobOptions.ts';
import type { Meters } from './notarizeEach.ts';
import { priorAcceptance, priorReceipt } from './priorEvidence.ts';

/**
 * One record for all files (kind `aggregate`), and a receipt for each with both proofs. A file that cannot be hashed, or whose
 * receipt cannot be written, is told; the others are taken. The acceptance and the receipt of the record itself are kept in
 * `folder`, named by the root: the same files again find them.
 * @throws NotariumError what kept the one record from being taken; the signal's reason.
 */
export async function notarizeTogether(
  targets: readonly Target[],
  job: JobOptions,
  draft: Partial<Draft>,
  meters: Meters,
  folder: string,
): Promise<Outcome[]> {
  const outcomes = new Map<string, Outcome>();
  const members: Hashed[] = [];
  for await (const one of mapInOrder(targets, 4, (target) => hashTarget(target, job, meters.bytes))) {
    // A receipt of an earlier run stays valid, but its file is needed for the same root again.
    if (one.done) outcomes.set(one.target.path, one.done);
    if (one.done?.status !== 'failed') members.push(one);
  }
  const inOrder = (): Outcome[] => targets.map(({ path }) => outcomes.get(path)!);
  const open = members.filter(({ done }) => !done);
  if (open.length === 0) return inOrder();

  const set = aggregateMembers(
    members.map(({ target, digest }) => ({ path: target.path, digest })),
    { subject: `aggregate of ${members.length} files`, ...draft },
  );
  const base = join(folder, `aggregate-${hexDigits(digestBytes(set.draft.digest)).slice(0, 16)}`);
  const paths = { receipt: `${base}.receipt.json`, acceptance: `${base}.acceptance.json` };
  const { id, evidence, failure } = await takeRecord(set, paths, job);
  const failOpen = (error: NotariumError): void => {
    for (const { target } of open) {
      const { path } = target;
      if (!outcomes.has(path)) outcomes.set(path, { path, status: 'failed', id, error });
    }
  };
  if (job.waitMs === undefined) {
    if (failure) failOpen(failure);
    for (const { target } of failure ? [] : open) {
      outcomes.set(target.path, { path: target.path, status: 'accepted', id, evidence });
    }
    return inOrder();
  }
  let receipt: Receipt;
  try {
    receipt = await job.client.waitForReceipt(id, { signal: job.signal, timeoutMs: job.waitMs });
  } catch (error) {
    job.signal.throwIfAborted();
    failOpen(asNotariumError(error));
    return inOrder();
  }
  for (const [index, { target, done }] of members.entries()) {
    if (!done) outcomes.set(target.path, await writeMember(target, id, set.receiptOf(receipt, index)));
    meters.receipts(1);
  }
  const own = await writeMember({ path: paths.receipt, receiptPath: paths.receipt }, id, receipt);
  if (own.status !== 'failed') await dropAcceptance(paths.acceptance, id);
  return own.status === 'failed' ? [...inOrder(), own] : inOrder();
}

/** Hands in the one record, unless an earlier run did; `failure`: it was taken, but its acceptance cannot be kept. */
async function takeRecord(
  set: MemberSet,
  paths: { readonly receipt: string; readonly acceptance: string },
  job: JobOptions,
): Promise<{ id: RecordId; evidence: string; failure?: NotariumError }> {
  const { digest } = set.draft;
  const kept = await priorReceipt(paths.receipt, { aggregate: digest }, job);
  if (kept !== undefined) return { id: kept, evidence: paths.receipt };
  const evidence = paths.acceptance;
  const known = await priorAcceptance(paths.acceptance, digest, job);
  if (known && !known.record) return { id: known.id, evidence };
  const submitted = await job.client.submit(known?.record ?? set.draft, { signal: job.signal });
  try {
    await writeJson(paths.acceptance, acceptanceFile({ ...submitted, digest }));
    return { id: submitted.id, evidence };
  } catch (error) {
    return { id: submitted.id, evidence, failure: asNotariumError(error) };
  }
}

async function writeMember(
  { path, receiptPath }: Pick<Target, 'path' | 'receiptPath'>,
  id: RecordId,
  receipt: Receipt,
): Promise<Outcome> {
  try {
    await writeJson(receiptPath, receipt);
    return { path, status: 'anchored', id, evidence: receiptPath };
  } catch (error) {
    return { path, status: 'failed', id, error: asNotariumError(error) };
  }
}
