import type { FileToSend, SentOutcome } from '../../app/channels/send/sendFiles.ts';
import { toHex } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { mapInOrder } from '../../lib/client/jobs.ts';
import { hashFile } from '../../lib/hashFile.ts';
import { exitCodeOf } from '../exitCodes.ts';
import { nextStep } from '../nextSteps.ts';
import { collectTargets, type Failure, type Target } from '../notarize/collect.ts';
import { Progress, sizeText } from '../Progress.ts';
import type { Run } from '../Run.ts';
import { pickChannel } from './pickChannel.ts';
import { requesterKey } from './requesterKey.ts';
import type { SendFlags } from './sendFlags.ts';
import { isStreamed, streamEvidence } from './streamEvidence.ts';

/** Files that are hashed side by side. */
const hashing = 4;
/** More files than this are counted, not listed. */
const listedFiles = 20;

/** `notarium channel send`. */
export async function sendEvidence(run: Run<SendFlags>, paths: string[]): Promise<void> {
  const { options, terminal, signal, output, actions } = run;
  if (isStreamed(options, paths)) return await streamEvidence(run, paths);
  if (paths.length === 0) throw new NotariumError('usage-invalid', 'give files and folders, or --files-from FILE');
  if (paths.includes('')) throw new NotariumError('usage-invalid', 'a path is empty');
  const parallel = parallelOf(options.parallel);
  const channelId = await pickChannel(run);
  const privateKey = await requesterKey(run);
  const { targets, failures } = await collectTargets(paths, { cwd: terminal.cwd, out: options.out, signal });
  if (targets.length === 0 && failures.length === 0)
    throw new NotariumError('usage-invalid', 'there are no files in it');
  const { files, failed } = await hashAll(run, targets);
  const { outcomes, receipts } = await actions.channels.use(run, { channelId, privateKey }, async (channel) => {
    const total = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const sending = new Progress(output, 'preserving', total, sizeText);
    try {
      const sent = await channel.sendHashed(files, { parallel, signal, onBytes: (count) => sending.advance(count) });
      return { outcomes: sent, receipts: await channel.writeReceipts() };
    } finally {
      sending.stop();
    }
  });
  report(run, outcomes, [...failures, ...failed], receipts.written);
}

async function hashAll(
  run: Run<SendFlags>,
  targets: readonly Target[],
): Promise<{ files: FileToSend[]; failed: Failure[] }> {
  const { output, signal } = run;
  const total = targets.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const progress = new Progress(output, 'hashing', total, sizeText);
  const files: FileToSend[] = [];
  const failed: Failure[] = [];
  const hashed = mapInOrder(targets, hashing, async ({ path, receiptPath }): Promise<FileToSend | Failure> => {
    let readBytes = 0;
    const onProgress = (done: number): void => {
      progress.advance(done - readBytes);
      readBytes = done;
    };
    try {
      const { digest, sizeBytes } = await hashFile(path, { signal, onProgress });
      return { path, receiptPath, sizeBytes, digest: toHex(digest) };
    } catch (error) {
      if (!(error instanceof NotariumError)) throw error;
      return { path, error };
    }
  });
  try {
    for await (const result of hashed) {
      if ('error' in result) failed.push(result);
      else files.push(result);
    }
  } finally {
    progress.stop();
  }
  return { files, failed };
}

/** Prints what became of the files, and sets the exit code. */
function report(
  run: Run<SendFlags>,
  outcomes: readonly SentOutcome[],
  unreadable: readonly Failure[],
  receipts: number,
): void {
  const { output } = run;
  const failed = [...unreadable, ...outcomes.filter((outcome) => outcome.status === 'failed')];
  const done = outcomes.filter((outcome) => outcome.status !== 'failed');
  const count = (status: SentOutcome['status']): number =>
    outcomes.filter((outcome) => outcome.status === status).length;
  const codes = new Set(failed.map(({ error }) => error.code));
  const exitCode =
    failed.length === 0 ? 0 : exitCodeOf(done.length === 0 && codes.size === 1 ? [...codes][0]! : 'items-failed');
  output.json({
    ok: failed.length === 0,
    exitCode,
    preserved: count('preserved'),
    kept: count('kept'),
    failed: failed.length,
    receipts,
    files: [
      ...done.map(({ path, status, digest, receiptPath }) => ({ path, status, digest, receipt: receiptPath })),
      ...failed.map(({ path, error }) => {
        return { path, status: 'failed', code: error.code, detail: error.message, data: error.data };
      }),
    ],
  });
  if (done.length <= listedFiles) {
    for (const { path, status, receiptPath } of done)
      output.line(`${output.mark('passed')} ${status} ${path}`, `    ${receiptPath}`);
  } else output.line(`receipts: ${run.options.out ?? 'beside each file, named FILE.receipt.json'}`);
  for (const { path, error } of failed)
    output.line(`${output.mark('failed')} ${path}`, `    ${error.code}: ${error.message}`);
  for (const next of new Set([...codes].map(nextStep))) if (next) output.note(`  ${next}`);
  const parts = [
    count('preserved') > 0 ? `${count('preserved')} preserved` : '',
    count('kept') > 0 ? `${count('kept')} kept` : '',
    `${failed.length} failed`,
  ];
  output.line(parts.filter((part) => part !== '').join(', '));
  if (failed.length > 0) output.note('The same command again goes on with what has failed.');
  run.exit(exitCode);
}

function parallelOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9][0-9]?$/.test(text)) throw new NotariumError('usage-invalid', '--parallel is a number from 1 to 99');
  return Number(text);
}
