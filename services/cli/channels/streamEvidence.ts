import { createReadStream } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { Readable } from 'node:stream';
import type { Sendables } from '../../app/channels/send/evidence.ts';
import { isHopeless, type SentOutcome } from '../../app/channels/send/sendFiles.ts';
import type { Hash } from '../../core/bytes.ts';
import { type ErrorCode, NotariumError } from '../../core/errors.ts';
import { exitCodeOf } from '../exitCodes.ts';
import { nextStep } from '../nextSteps.ts';
import type { Run } from '../Run.ts';
import { pathsFrom } from './pathsFrom.ts';
import { pickChannel } from './pickChannel.ts';
import { requesterKey } from './requesterKey.ts';
import type { SendFlags } from './sendFlags.ts';

/** Whether evidence comes by standard input or a list of paths: how many and how large is not known beforehand. */
export function isStreamed({ filesFrom }: SendFlags, paths: readonly string[]): boolean {
  return filesFrom !== undefined || (paths.length === 1 && paths[0] === '-');
}

/** `notarium channel send -`, `notarium channel send --files-from FILE`: sends as it comes, with a line for each. */
export async function streamEvidence(run: Run<SendFlags>, paths: readonly string[]): Promise<void> {
  const { options, output, actions, signal, terminal } = run;
  if (options.filesFrom !== undefined && paths.length > 0)
    throw new NotariumError('usage-invalid', 'give paths or --files-from, not both');
  if (options.parallel !== undefined)
    throw new NotariumError('usage-invalid', '--parallel is for paths that are given as words');
  const source = options.filesFrom === undefined ? fromStdin(run) : filesFrom(run, options.filesFrom);
  const channelId = await pickChannel(run);
  const privateKey = await requesterKey(run);
  const counts = { preserved: 0, kept: 0, failed: 0 };
  const codes = new Set<ErrorCode>();
  const receipts = await actions.channels.use(run, { channelId, privateKey }, async (channel) => {
    const receiptPathOf = (path: string): string => receiptPlace(run, path);
    try {
      for await (const outcome of channel.sendEach(source, { receiptPathOf, signal })) {
        counts[outcome.status]++;
        show(run, outcome);
        if (outcome.status !== 'failed') continue;
        codes.add(outcome.error.code);
        if (isHopeless(outcome.error)) break;
      }
    } finally {
      // Whoever pipes may go on for ever: the process would wait for it.
      if (terminal.stdin instanceof Readable) terminal.stdin.destroy();
    }
    return await channel.writeReceipts();
  });
  const done = counts.preserved + counts.kept;
  const exitCode =
    counts.failed === 0 ? 0 : exitCodeOf(done === 0 && codes.size === 1 ? [...codes][0]! : 'items-failed');
  output.jsonLine({ ok: counts.failed === 0, exitCode, ...counts, receipts: receipts.written });
  for (const next of new Set([...codes].map(nextStep))) if (next) output.note(`  ${next}`);
  output.line(`${counts.preserved} preserved, ${counts.kept} kept, ${counts.failed} failed`);
  run.exit(exitCode);
}

function show({ output }: Run<SendFlags>, outcome: SentOutcome): void {
  const { path, status, receiptPath } = outcome;
  if (outcome.status === 'failed') {
    const { code, message, data } = outcome.error;
    output.jsonLine({ path, status, code, detail: message, data });
    output.line(`${output.mark('failed')} ${path}`, `    ${code}: ${message}`);
  } else {
    output.jsonLine({ path, status, digest: outcome.digest, receipt: receiptPath });
    const isBeside = receiptPath === `${path}.receipt.json`;
    output.line(`${output.mark('passed')} ${status} ${path}`, ...(isBeside ? [] : [`    ${receiptPath}`]));
  }
}

function stdinOf({ terminal }: Run<SendFlags>): AsyncIterable<Uint8Array> {
  if (terminal.interactive || !terminal.stdin)
    throw new NotariumError('usage-invalid', 'nothing is piped into standard input');
  return terminal.stdin;
}

/** One content, whose receipt is named by its digest. */
function fromStdin(run: Run<SendFlags>): Sendables {
  const { options, terminal } = run;
  const folder = resolve(terminal.cwd, options.out ?? '.');
  const receiptPath = (digest: Hash): string => join(folder, `${digest.slice(2)}.receipt.json`);
  return { content: stdinOf(run), receiptPath };
}

async function* filesFrom(run: Run<SendFlags>, list: string): AsyncGenerator<string, void, void> {
  const { options, terminal, signal } = run;
  const source = list === '-' ? stdinOf(run) : createReadStream(resolve(terminal.cwd, list), { signal });
  try {
    for await (const path of pathsFrom(source, options.null ?? false)) yield resolve(terminal.cwd, path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (cause instanceof NotariumError || typeof code !== 'string' || signal.aborted) throw cause;
    throw new NotariumError('file-unreadable', `${list} (${code})`, { data: { path: list, cause: code }, cause });
  }
}

/** Below `--out` as below the current folder, so that files of one name do not meet; others by their whole path. */
function receiptPlace({ options, terminal }: Run<SendFlags>, path: string): string {
  if (options.out === undefined) return `${path}.receipt.json`;
  const below = relative(terminal.cwd, path);
  const name = below === '..' || below.startsWith(`..${sep}`) ? path.slice(1) : below;
  return join(resolve(terminal.cwd, options.out), `${name}.receipt.json`);
}
