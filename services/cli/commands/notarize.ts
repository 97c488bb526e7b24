import { resolve } from 'node:path';
import type { Command } from 'commander';
import { NotariumError } from '../../core/errors.ts';
import type { Signer } from '../../core/signature.ts';
import { localSigner } from '../../lib/localSigner.ts';
import { loadCrypto } from '../../lib/nativeCrypto.ts';
import { type CentreFlags, withCentre, withKey } from '../commandOptions.ts';
import { exitCodeOf } from '../exitCodes.ts';
import { collectTargets, type Failure, type Target } from '../notarize/collect.ts';
import type { JobOptions, Outcome } from '../notarize/Job.ts';
import { notarizeEach } from '../notarize/notarizeEach.ts';
import { notarizeTogether } from '../notarize/notarizeTogether.ts';
import { openClient, openSigner } from '../openClient.ts';
import { Progress, sizeText } from '../Progress.ts';
import { personalKey } from '../personalKey.ts';
import { type ProgramContext, type Run, runs } from '../Run.ts';
import { trustNote } from '../trustNote.ts';

type Options = CentreFlags & {
  aggregate?: boolean;
  wait?: boolean | string;
  out?: string;
  resume?: boolean;
  force?: boolean;
  kind?: string;
  subject?: string;
};

/** `notarium notarize`. */
export function addNotarize(program: Command, context: ProgramContext): void {
  withKey(
    withCentre(program.command('notarize').description('notarise files and folders; only digests leave this machine')),
  )
    .argument('<paths...>', 'files and folders')
    .option('--aggregate', 'one record for all files, and a receipt for each')
    .option('--wait [seconds]', 'wait for the anchor and write receipts (default: 120 s)')
    .option('--out <dir>', 'folder for receipts and acceptances (default: beside each file)')
    .option('--resume', 'keep receipts that are valid, and go on with what was accepted before')
    .option('--force', 'replace receipts that are there')
    .option('--kind <kind>', 'kind of the record: evidence, database, activity, resource or x-…')
    .option('--subject <text>', 'subject of the records, public in the log (default: file: and the name)')
    .action(runs<Options, [string[]]>(context, notarize));
}

async function notarize(run: Run<Options>, paths: string[]): Promise<void> {
  const { options, settings, terminal, signal, output } = run;
  const waitMs = waitOf(options.wait);
  const signer = (await openSigner(settings, terminal)) ?? (await ownSigner(run));
  const client = await openClient(settings, {
    signer,
    networkFile: options.network === undefined ? undefined : resolve(terminal.cwd, options.network),
  });
  const trust = await client.network({ signal });
  trustNote(output, trust);
  const { targets, failures } = await collectTargets(paths, { cwd: terminal.cwd, out: options.out, signal });
  if (targets.length === 0 && failures.length === 0)
    throw new NotariumError('usage-invalid', 'there are no files in it');
  const job: JobOptions = {
    client,
    trusted: trust.trusted,
    crypto: await loadCrypto(),
    resume: options.resume ?? false,
    force: options.force ?? false,
    waitMs,
    signal,
  };
  report(run, await takeAll(run, job, targets), failures);
}

/** With neither a key nor an API key, the user's own key signs. */
async function ownSigner({ settings, terminal, output }: Run<Options>): Promise<Signer | undefined> {
  if (settings.apiKey !== undefined) return undefined;
  const { privateKey, path, isNew } = await personalKey(terminal.home);
  const signer = localSigner(privateKey, await loadCrypto());
  if (isNew) output.note(`Made a signing key of your own: ${signer.address}, kept in ${path}.`);
  return signer;
}

async function takeAll(run: Run<Options>, job: JobOptions, targets: readonly Target[]): Promise<Outcome[]> {
  const { options, output, terminal } = run;
  const draft = {
    ...(options.kind === undefined ? {} : { kind: options.kind }),
    ...(options.subject === undefined ? {} : { subject: options.subject }),
  };
  const sizeBytes = targets.reduce((sum, target) => sum + target.sizeBytes, 0);
  const hashing = new Progress(output, 'hashing', sizeBytes, sizeText);
  let receipts: Progress | undefined;
  let hashedBytes = 0;
  const meters = {
    bytes(count: number): void {
      hashing.advance(count);
      hashedBytes += count;
      if (hashedBytes < sizeBytes) return;
      hashing.stop();
      if (job.waitMs !== undefined) receipts ??= new Progress(output, 'receipts', targets.length);
    },
    receipts(count: number): void {
      hashing.stop();
      receipts ??= new Progress(output, 'receipts', targets.length);
      receipts.advance(count);
    },
  };
  try {
    if (options.aggregate) {
      const folder = options.out === undefined ? terminal.cwd : resolve(terminal.cwd, options.out);
      return await notarizeTogether(targets, job, draft, meters, folder);
    }
    return await notarizeEach(targets, job, draft, meters);
  } finally {
    hashing.stop();
    receipts?.stop();
  }
}

function waitOf(wait: boolean | string | undefined): number | undefined {
  if (wait === undefined || wait === false) return undefined;
  if (wait === true) return 120_000;
  if (!/^[0-9]{1,6}$/.test(wait)) throw new NotariumError('usage-invalid', '--wait takes a number of seconds');
  return Number(wait) * 1000;
}

/** More files than this are counted, not listed. */
const listedFiles = 20;

function report(run: Run<Options>, outcomes: readonly Outcome[], unreadable: readonly Failure[]): void {
  const { output } = run;
  const failed = [
    ...unreadable,
    ...outcomes.filter((outcome): outcome is Outcome & { status: 'failed' } => outcome.status === 'failed'),
  ];
  const taken = outcomes.filter((outcome) => outcome.status !== 'failed');
  const count = (status: Outcome['status']): number => outcomes.filter((outcome) => outcome.status === status).length;
  const codes = new Set(failed.map(({ error }) => error.code));
  const exitCode =
    failed.length === 0
      ? 0
      : exitCodeOf(taken.length === 0 && codes.size === 1 ? failed[0]!.error.code : 'items-failed');
  output.json({
    ok: failed.length === 0,
    exitCode,
    accepted: count('accepted'),
    anchored: count('anchored'),
    kept: count('kept'),
    failed: failed.length,
    files: [
      ...outcomes.map((outcome) => (outcome.status === 'failed' ? failureJson(outcome) : outcome)),
      ...unreadable.map(failureJson),
    ],
  });
  if (taken.length <= listedFiles) {
    for (const { path, status, id, evidence } of taken) {
      output.line(`${output.mark('passed')} ${status} ${path}`, `    record ${id}`, `    ${evidence}`);
    }
  }
  for (const { path, error } of failed) {
    output.line(`${output.mark('failed')} ${path}`, `    ${error.code}: ${error.message}`);
  }
  output.line(summary(count('accepted'), count('anchored'), count('kept'), failed.length));
  if (count('accepted') > 0)
    output.note('Accepted, not yet anchored: the same command with --resume --wait fetches the receipts.');
  run.exit(exitCode);
}

function failureJson({ path, error }: Failure): object {
  return { path, status: 'failed', code: error.code, detail: error.message, data: error.data };
}

function summary(accepted: number, anchored: number, kept: number, failed: number): string {
  const parts = [
    anchored > 0 ? `${anchored} anchored` : '',
    accepted > 0 ? `${accepted} accepted` : '',
    kept > 0 ? `${kept} kept` : '',
    `${failed} failed`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}
