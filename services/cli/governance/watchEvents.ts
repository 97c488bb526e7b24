import { NotariumError } from '../../core/errors.ts';
import type { EventAnswer } from '../../lib/client/governanceAnswers.ts';
import type { CentreFlags } from '../commandOptions.ts';
import type { Run } from '../Run.ts';
import { type GovernanceClient, openReading } from './GovernanceRun.ts';

/** Options of `notarium proposal watch`. */
export type WatchFlags = CentreFlags & { after?: string; all?: boolean };

const families = /^(?:proposal|vote|version|resource)\./;

/** `notarium proposal watch`: one line an event, until Ctrl-C. */
export async function watchEvents(run: Run<WatchFlags>): Promise<void> {
  const { options, output, signal } = run;
  const after = afterOf(options.after);
  const { client, nameOf } = await openReading(run);
  output.note(after === 'latest' ? 'Waiting for events; Ctrl-C ends it.' : `Events after ${after}; Ctrl-C ends it.`);
  let isBroken = false;
  const onBreak = ({ message }: NotariumError): void => {
    if (!isBroken) output.note(`${message}; trying again …`);
    isBroken = true;
  };
  for await (const event of client.events({ after, signal, onBreak })) {
    isBroken = false;
    if (!options.all && !families.test(event.type)) continue;
    output.jsonLine(event);
    output.line(lineOf(event, nameOf));
  }
}

function afterOf(text: string | undefined): number | 'latest' {
  if (text === undefined) return 'latest';
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new NotariumError('usage-invalid', '--after is the number of an event, the first in its line');
}

function lineOf({ seq, time, type, data }: EventAnswer, nameOf: GovernanceClient['nameOf']): string {
  const about = data.proposalId ?? [data.resourceSet, data.version].filter((part) => part !== undefined).join(' ');
  const who = data.proposer ?? data.voter ?? data.reporter;
  const said = [
    typeof who === 'string' ? nameOf(who) : undefined,
    data.kind ?? data.support ?? data.decision ?? data.state,
    data.matches === undefined ? undefined : data.matches ? 'right' : 'something else',
    data.reason ? JSON.stringify(data.reason) : undefined,
    data.code ?? undefined,
  ];
  const words = said.filter((word) => word !== undefined).map(String);
  return [`${seq}`.padStart(6), time, type.padEnd(17), String(about), words.join(', ')].join('  ').trimEnd();
}
