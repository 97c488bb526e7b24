import { join } from 'node:path';
import { hexDigits } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { digestBytes } from '../../core/record.ts';
import type { Draft } from '../../lib/client/draft.ts';
import { mapInOrder } from '../../lib/client/jobs.ts';
import { aggregateMembers } from '../../lib/client/memberReceipts.ts';
import { asNotariumError } from '../Output.ts';
import type { Target } from './collect.ts';
import { acceptanceFile, findAcceptance, writeJson, writeReceipt } from './evidenceFiles.ts';
import { type Hashed, hashTarget, type JobOptions, type Outcome } from './Job.ts';
import type { Meters } from './notarizeEach.ts';

/**
 * One record for all files (kind `aggregate`), and a receipt for each with both proofs. A file that cannot be hashed is left
 * out and told; the others are taken. The acceptance is kept in `folder`, named by the root: the same files again find it.
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
    if (one.done?.status === 'failed') outcomes.set(one.target.path, one.done);
    else members.push(one);
  }
  const inOrder = (): Outcome[] => targets.map(({ path }) => outcomes.get(path)!);
  const open = members.filter(({ done }) => !done);
  for (const { target, done } of members) if (done) outcomes.set(target.path, done);
  if (open.length === 0) return inOrder();

  const set = aggregateMembers(
    members.map(({ target, digest }) => ({ path: target.path, digest })),
    { subject: `aggregate of ${members.length} files`, ...draft },
  );
  const { digest } = set.draft;
  const acceptancePath = join(folder, `aggregate-${hexDigits(digestBytes(digest)).slice(0, 16)}.acceptance.json`);
  const known = job.resume ? await findAcceptance(acceptancePath, digest) : undefined;
  const submitted =
    known && !known.record ? known : await job.client.submit(known?.record ?? set.draft, { signal: job.signal });
  const { id } = submitted;
  if (submitted !== known) await writeJson(acceptancePath, acceptanceFile({ ...submitted, digest }));
  if (job.waitMs === undefined) {
    for (const { target } of open) {
      outcomes.set(target.path, { path: target.path, status: 'accepted', id, evidence: acceptancePath });
    }
    return inOrder();
  }
  try {
    const receipt = await job.client.waitForReceipt(id, { signal: job.signal, timeoutMs: job.waitMs });
    for (const [index, { target, done }] of members.entries()) {
      if (done) continue;
      await writeReceipt(target.receiptPath, set.receiptOf(receipt, index), target.acceptancePath);
      meters.receipts(1);
      outcomes.set(target.path, { path: target.path, status: 'anchored', id, evidence: target.receiptPath });
    }
    await writeReceipt(acceptancePath.replace(/acceptance\.json$/, 'receipt.json'), receipt, acceptancePath);
  } catch (error) {
    job.signal.throwIfAborted();
    const failure = asNotariumError(error);
    if (!(error instanceof NotariumError)) throw failure;
    for (const { target } of open) {
      if (!outcomes.has(target.path))
        outcomes.set(target.path, { path: target.path, status: 'failed', id, error: failure });
    }
  }
  return inOrder();
}
