import { resolve } from 'node:path';
import type { Command } from 'commander';
import { NotariumError } from '../../core/errors.ts';
import { kindSchema } from '../../core/recordSchema.ts';
import type { Signer } from '../../core/signature.ts';
import { localSigner } from '../../lib/localSigner.ts';
import { loadCrypto } from '../../lib/nativeCrypto.ts';
import { type CentreFlags, withCentre, withKey } from '../commandOptions.ts';
import { exists } from '../exists.ts';
import { collectTargets, type Target } from '../notarize/collect.ts';
import type { Outcome } from '../notarize/Job.ts';
import type { JobOptions } from '../notarize/JobOptions.ts';
import { notarizeEach } from '../notarize/notarizeEach.ts';
import { notarizeTogether } from '../notarize/notarizeTogether.ts';
import { report } from '../notarize/report.ts';
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
    withCentre(
      program.command('notarize').description('notarise files and folders; their names and digests leave this machine'),
    ),
  )
    .argument('[paths...]', 'files and folders')
    .option('--aggregate', 'one record for all files, and a receipt for each')
    .option('--wait [seconds]', 'wait for the anchor and write receipts (default: 120 s)')
    .option('--out <dir>', 'folder for receipts and acceptances (default: beside each file)')
    .option('--resume', 'keep receipts that are valid, and go on with what was accepted before')
    .option('--force', 'replace receipts and acceptances that are there')
    .option('--kind <kind>', 'kind of the record: evidence (default), database, activity, resource or x-…')
    .option('--subject <text>', 'subject of the records, public in the log for ever (default: file: and the name)')
    .action(runs<Options, [string[]]>(context, notarize));
}

async function notarize(run: Run<Options>, given: string[]): Promise<void> {
  const { options, settings, terminal, signal, output } = run;
  const { waitMs, paths } = await waitAndPaths(options.wait, given, terminal.cwd);
  requireKind(options);
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
    aggregate: options.aggregate ?? false,
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
    if (job.aggregate) {
      const folder = options.out === undefined ? terminal.cwd : resolve(terminal.cwd, options.out);
      return await notarizeTogether(targets, job, draft, meters, folder);
    }
    return await notarizeEach(targets, job, draft, meters);
  } finally {
    hashing.stop();
    receipts?.stop();
  }
}

/**
 * `--wait` may stand before the paths: what is no number of seconds, but is there, is the first of them.
 * @throws NotariumError `usage-invalid`.
 */
async function waitAndPaths(
  wait: boolean | string | undefined,
  given: readonly string[],
  cwd: string,
): Promise<{ waitMs: number | undefined; paths: readonly string[] }> {
  const seconds = typeof wait === 'string' && /^[0-9]{1,6}$/.test(wait) ? Number(wait) : undefined;
  const swallowed = typeof wait === 'string' && seconds === undefined ? [wait] : [];
  const paths = [...swallowed, ...given];
  if (paths.length === 0) throw new NotariumError('usage-invalid', 'no files and folders are given');
  // An empty word stands for the whole current folder, and mostly for a variable that was not set.
  if (paths.includes('')) throw new NotariumError('usage-invalid', 'a path is empty');
  for (const path of swallowed) {
    if (!(await exists(resolve(cwd, path))))
      throw new NotariumError('usage-invalid', `--wait takes a number of seconds, and there is no file ${path}`);
  }
  return { waitMs: wait ? 1000 * (seconds ?? 120) : undefined, paths };
}

/** What would give records that no file can be verified against, or that no centre takes. */
function requireKind({ kind, aggregate }: Options): void {
  if (kind === undefined) return;
  if (aggregate) throw new NotariumError('usage-invalid', '--aggregate has a kind of its own: leave out --kind');
  if (kind === 'aggregate') throw new NotariumError('usage-invalid', 'for the kind aggregate give --aggregate');
  const { error } = kindSchema.safeParse(kind);
  if (error) throw new NotariumError('usage-invalid', `--kind ${kind}: ${error.issues[0]!.message}`);
}
