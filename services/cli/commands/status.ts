import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type CentreFlags, withCentre } from '../commandOptions.ts';
import { exitCodeOf } from '../exitCodes.ts';
import { openClient } from '../openClient.ts';
import { sizeText } from '../Progress.ts';
import { type ProgramContext, type Run, runs } from '../Run.ts';
import { trustNote } from '../trustNote.ts';

type Flags = CentreFlags & { trustNewEpochs?: boolean };

/** `notarium status`. */
export function addStatus(program: Command, context: ProgramContext): void {
  withCentre(program.command('status').description('how a centre and its network are doing'))
    .option('--api-key <key>', 'API key, where the centre asks for one')
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
  const { trusted, answer } = trust;
  const exitCode = state.ready ? 0 : exitCodeOf('not-ready');
  output.json({
    ok: state.ready,
    exitCode,
    status: state,
    network: answer,
    trust: { status: trust.status, path: trust.path },
  });
  const members = trusted.committees.at(-1)!;
  const oldest = state.pool.oldestAgeSeconds === null ? '' : `, oldest ${state.pool.oldestAgeSeconds} s`;
  output.line(`network   ${trusted.network}`);
  output.line(
    `committee epoch ${answer.epoch}: ${members.members.length} centres, quorum ${answer.quorum}, a block every ${answer.periodSeconds} s`,
  );
  output.line(`centre    ${state.centre}, version ${state.version}, since ${state.startedAt}`);
  output.line(`log       ${state.log.size} entries, root ${state.log.root}`);
  output.line(`blocks    ${state.height}, anchored ${state.anchoredHeight}, slot ${state.slot}`);
  output.line(`pool      ${state.pool.count} records (${sizeText(state.pool.bytes)}${oldest})`);
  for (const { code, detail } of state.problems) output.line(`${output.mark('failed')} ${code}: ${detail}`);
  output.line(state.ready ? output.paint('good', 'READY') : output.paint('bad', 'NOT READY'));
  run.exit(exitCode);
}
