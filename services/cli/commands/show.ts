import { resolve } from 'node:path';
import type { Command } from 'commander';
import { isHex, type RecordId } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { digestText } from '../../core/record.ts';
import type { RecordAnswer } from '../../lib/client/answers.ts';
import { hashContent } from '../../lib/client/content.ts';
import type { Notarium } from '../../lib/client/Notarium.ts';
import { type CentreFlags, withCentre } from '../commandOptions.ts';
import { openClient } from '../openClient.ts';
import { type ProgramContext, type Run, runs } from '../Run.ts';
import { trustNote } from '../trustNote.ts';

/** Most records that one answer lists. */
const maxRecords = 1000;

/** `notarium show`. */
export function addShow(program: Command, context: ProgramContext): void {
  withCentre(program.command('show').description('the records of an id, a digest or a file'))
    .argument('<what>', '0x and 64 digits: a record id; sha-256: and 64 digits: a content digest; else a file')
    .option('--api-key <key>', 'API key, where the centre asks for one')
    .action(runs<CentreFlags, [string]>(context, show));
}

async function show(run: Run<CentreFlags>, what: string): Promise<void> {
  const { options, settings, terminal, signal, output } = run;
  const client = await openClient(settings, {
    networkFile: options.network === undefined ? undefined : resolve(terminal.cwd, options.network),
  });
  trustNote(output, await client.network({ signal }));
  const records = await find(run, client, what);
  if (records.length === 0) throw new NotariumError('record-not-found', what, { data: { what } });
  output.json({ ok: true, records });
  for (const record of records) print(run, record);
}

async function find(run: Run<CentreFlags>, client: Notarium, what: string): Promise<RecordAnswer[]> {
  const { signal, terminal } = run;
  const text = what.toLowerCase();
  if (isHex(text, 32)) return [await client.record(text as RecordId, { signal })];
  const digest = /^sha-256:[0-9a-f]{64}$/.test(text)
    ? text
    : digestText((await hashContent(resolve(terminal.cwd, what), { signal })).digest);
  const records: RecordAnswer[] = [];
  for await (const record of client.search({ digest }, { signal })) {
    records.push(record);
    if (records.length >= maxRecords) break;
  }
  return records;
}

function print(
  { output }: Run<CentreFlags>,
  { id, record, state, leafIndex, height, refusal, supersededBy }: RecordAnswer,
): void {
  const where = {
    pooled: 'accepted, not yet in a block',
    logged: `entry ${leafIndex}, block ${height}`,
    refused: `refused: ${refusal?.reason}`,
  };
  output.line(`${output.paint('strong', id)}`);
  const lines: [string, unknown][] = [
    ['state', where[state]],
    ['kind', record.kind],
    ['subject', record.subject],
    ['digest', record.digest],
    ['time', `${record.time} (claimed)`],
    ['submitter', record.submitter],
    ['expires', record.expires],
    ['supersedes', record.supersedes],
    ['superseded', supersededBy],
    ['meta', record.meta && JSON.stringify(record.meta)],
  ];
  for (const [name, value] of lines) if (value !== undefined) output.line(`  ${name.padEnd(10)} ${String(value)}`);
}
