import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { NetworkAnswer, StatusAnswer } from '../../lib/client/answers.ts';
import { askCentres, type CentreReport } from '../../lib/client/askCentres.ts';
import { type CentreFlags, withCentre } from '../commandOptions.ts';
import { exitCodeOf } from '../exitCodes.ts';
import { defaultUrl, openClient } from '../openClient.ts';
import { sizeText } from '../Progress.ts';
import { type ProgramContext, type Run, runs } from '../Run.ts';
import { table } from '../table.ts';
import { trustNote } from '../trustNote.ts';

const timeoutMs = 3_000;

type Flags = CentreFlags & { trustNewEpochs?: boolean; one?: boolean };

/** `notarium status`. */
export function addStatus(program: Command, context: ProgramContext): void {
  withCentre(program.command('status').description('how a centre and its network are doing'))
    .option('--api-key <key>', 'API key, where the centre asks for one')
    .option('--one', 'ask this centre only, not the others of the network')
    .option('--trust-new-epochs', 'trust committee epochs that the centre tells of, after comparing them elsewhere')
    .action(runs<Flags, []>(context, status));
}

async function status(run: Run<Flags>): Promise<void> {
  const { options, settings, terminal, signal, output } = run;
  const client = await openClient(settings, {
    networkFile: options.network === undefined ? undefined : resolve(terminal.cwd, options.network),
    trustNewEpochs: options.trustNewEpochs,
  });
  const trust = await client.network({ signal });
  trustNote(output, trust);
  const state = await client.status({ signal });
  const { answer } = trust;
  const asked = { url: settings.url ?? defaultUrl, status: state };
  const centres = options.one ? undefined : await askCentres(answer, asked, { timeoutMs, signal });
  const exitCode = state.ready ? 0 : exitCodeOf('not-ready');
  output.json({
    ok: state.ready,
    exitCode,
    status: state,
    network: answer,
    trust: { status: trust.status, path: trust.path },
    ...(centres ? { centres: centres.map(reportJson) } : {}),
  });
  const members = trust.trusted.committees.at(-1)!.members.length;
  output.line(`network   ${trust.trusted.network}`);
  output.line(
    `committee epoch ${answer.epoch}: ${counted(members, 'centre')}, quorum ${answer.quorum}, a block every ${answer.periodSeconds} s`,
  );
  printCentre(run, state, answer);
  if (centres && centres.length > 1) printCentres(run, centres, state, answer);
  const who = centres && centres.length > 1 ? `: ${asked.url}` : '';
  output.line(`${state.ready ? output.paint('good', 'READY') : output.paint('bad', 'NOT READY')}${who}`);
  run.exit(exitCode);
}

function printCentre({ output }: Run<Flags>, state: StatusAnswer, network: NetworkAnswer): void {
  const oldest = state.pool.oldestAgeSeconds === null ? '' : `, oldest ${state.pool.oldestAgeSeconds} s`;
  const last = state.lastPublisher ? `, the last one by ${nameOf(network, state.lastPublisher)}` : '';
  output.line(`centre    ${state.centre}, version ${state.version}, since ${state.startedAt}`);
  output.line(`log       ${counted(state.log.size, 'entry', 'entries')}, root ${state.log.root}`);
  output.line(`blocks    ${state.height}, anchored ${state.anchoredHeight}, slot ${state.slot}${last}`);
  output.line(`pool      ${counted(state.pool.count, 'record')} (${sizeText(state.pool.bytes)}${oldest})`);
  if (state.peers && state.peers.length > 0) {
    output.line(`peers     ${peersText(state)} connected, ${counted(state.lagBlocks ?? 0, 'block')} behind the chain`);
  }
  for (const { code, detail } of state.problems) output.line(`${output.mark('failed')} ${code}: ${detail}`);
}

function printCentres(
  { output }: Run<Flags>,
  centres: readonly CentreReport[],
  asked: StatusAnswer,
  network: NetworkAnswer,
): void {
  const head = ['name', 'URL', 'height', 'log', 'pool', 'last publisher', 'peers', 'lag', 'state'];
  const [title, ...lines] = table([head, ...centres.map((report) => rowOf(report, network))], new Set([2, 3, 4, 6, 7]));
  output.line('', `  ${title}`);
  lines.forEach((line, index) => {
    output.line(`${output.mark(centres[index]!.status?.ready ? 'passed' : 'failed')} ${line}`);
  });
  output.line('');
  for (const { address, name, error, status: state } of centres) {
    if (error) output.line(`${output.mark('failed')} ${name}: ${error.code}: ${error.message}`);
    // Those of the asked one stand above.
    const problems = state === undefined || address === asked.centre ? [] : state.problems;
    for (const { code, detail } of problems) output.line(`${output.mark('failed')} ${name}: ${code}: ${detail}`);
  }
}

function rowOf({ name, url, registered, status: state, error }: CentreReport, network: NetworkAnswer): string[] {
  const standing = registered === undefined || registered === 'active' ? [] : [registered];
  if (!state) {
    const why = error.code === 'server-unreachable' ? 'no answer' : error.code;
    return [name, url, ...Array.from({ length: 6 }, () => '-'), [...standing, why].join(', ')];
  }
  const problems = state.ready ? ['ready'] : state.problems.map(({ code }) => code);
  return [
    ...[name, url, `${state.height}`, `${state.log.size}`, `${state.pool.count}`],
    ...[
      state.lastPublisher ? nameOf(network, state.lastPublisher) : '-',
      peersText(state),
      `${state.lagBlocks ?? '-'}`,
    ],
    [...standing, ...(problems.length > 0 ? problems : ['not ready'])].join(', '),
  ];
}

function reportJson({ status: state, error, ...about }: CentreReport): object {
  if (state) return { ...about, ready: state.ready, status: state };
  return { ...about, ready: false, error: { code: error.code, detail: error.message } };
}

function nameOf({ centres }: NetworkAnswer, address: string): string {
  return centres.find((centre) => centre.address === address)?.name || address;
}

function peersText({ peers = [] }: StatusAnswer): string {
  return `${peers.filter(({ connected }) => connected).length}/${peers.length}`;
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
