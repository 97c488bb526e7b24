import type { RecordId } from '../../core/bytes.ts';
import type { NotariumError } from '../../core/errors.ts';
import { digestText } from '../../core/record.ts';
import type { NotariumRecord } from '../../core/recordSchema.ts';
import { type Draft, fileSubject } from '../../lib/client/draft.ts';
import { mapInOrder } from '../../lib/client/jobs.ts';
import type { SubmitResult } from '../../lib/client/submitBatch.ts';
import { asNotariumError } from '../Output.ts';
import type { Target } from './collect.ts';
import { acceptanceFile, dropAcceptance, writeJson } from './evidenceFiles.ts';
import { type Hashed, hashTarget, type Outcome } from './Job.ts';
import type { JobOptions } from './JobOptions.ts';

/** Progress of a run, in bytes hashed and receipts written. */
export type Meters = { readonly bytes: (count: number) => void; readonly receipts: (count: number) => void };

type Taken = { readonly target: Target; readonly id: RecordId };

/**
 * One record a file: hashed four at a time, posted in batches, each acceptance written as it comes, and each receipt as
 * soon as the record is anchored. Gives one outcome a file, in order.
 * @throws the signal's reason; anything that is no fault of a single file is the outcome of all files it kept from being taken.
 */
export async function notarizeEach(
  targets: readonly Target[],
  job: JobOptions,
  draft: Partial<Draft>,
  meters: Meters,
): Promise<Outcome[]> {
  const outcomes = new Map<string, Outcome>();
  const waiting: Taken[] = [];
  const posted: Hashed[] = [];
  const hashed = mapInOrder(targets, 4, (target) => hashTarget(target, job, meters.bytes));

  async function* items(): AsyncGenerator<NotariumRecord | Draft> {
    for await (const one of hashed) {
      const { target, digest, done, known } = one;
      if (done) outcomes.set(target.path, done);
      else if (known && !known.record) waiting.push({ target, id: known.id });
      else {
        posted.push(one);
        yield known?.record ?? { subject: fileSubject(target.name), ...draft, digest: digestText(digest) };
      }
    }
  }

  try {
    const results = job.client.submitMany(items(), { signal: job.signal });
    // Many at a time: each write waits for the disk.
    const written = mapInOrder(results, 16, (result) => keepAcceptance(posted.shift()!, result, job));
    for await (const one of written) {
      if ('status' in one) outcomes.set(one.path, one);
      else waiting.push(one);
    }
  } catch (error) {
    job.signal.throwIfAborted();
    failRest(targets, outcomes, waiting, asNotariumError(error));
  }
  const finish = mapInOrder(waiting, 16, (taken) => finishOne(taken, job, meters));
  for await (const outcome of finish) outcomes.set(outcome.path, outcome);
  return targets.map(({ path }) => outcomes.get(path)!);
}

async function keepAcceptance(
  { target, digest }: Hashed,
  result: SubmitResult & { readonly record?: NotariumRecord },
  job: JobOptions,
): Promise<Taken | Outcome> {
  const { path, acceptancePath } = target;
  if (result.status === 'failed') return { path, status: 'failed', error: result.error, id: result.id };
  const { id, record } = result;
  const acceptance = 'acceptance' in result ? result.acceptance : undefined;
  try {
    await writeJson(acceptancePath, acceptanceFile({ id, digest: digestText(digest), record, acceptance }));
  } catch (error) {
    // Where the receipt is waited for, it takes the place of the acceptance anyway.
    if (job.waitMs === undefined) return { path, status: 'failed', id, error: asNotariumError(error) };
  }
  return { target, id };
}

function failRest(
  targets: readonly Target[],
  outcomes: Map<string, Outcome>,
  waiting: readonly Taken[],
  error: NotariumError,
) {
  const taken = new Set(waiting.map(({ target }) => target.path));
  for (const { path } of targets) {
    if (!outcomes.has(path) && !taken.has(path)) outcomes.set(path, { path, status: 'failed', error });
  }
}

async function finishOne({ target, id }: Taken, job: JobOptions, meters: Meters): Promise<Outcome> {
  const { path, receiptPath, acceptancePath } = target;
  if (job.waitMs === undefined) return { path, status: 'accepted', id, evidence: acceptancePath };
  try {
    const receipt = await job.client.waitForReceipt(id, { signal: job.signal, timeoutMs: job.waitMs });
    await writeJson(receiptPath, receipt);
    await dropAcceptance(acceptancePath, id);
    meters.receipts(1);
    return { path, status: 'anchored', id, evidence: receiptPath };
  } catch (error) {
    job.signal.throwIfAborted();
    return { path, status: 'failed', id, error: asNotariumError(error) };
  }
}
