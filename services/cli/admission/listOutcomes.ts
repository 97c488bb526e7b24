import type { OutcomeAnswer } from '../../lib/client/admissionAnswers.ts';
import type { CentreFlags } from '../commandOptions.ts';
import { openActing } from '../governance/GovernanceRun.ts';
import { limitOf } from '../governance/listProposals.ts';
import type { Run } from '../Run.ts';
import { table } from '../table.ts';
import { addressFrom } from './addressFrom.ts';
import { figureText } from './profileTexts.ts';
import { placeText } from './refusalLines.ts';

/** Options of `notarium admission outcomes`. */
export type OutcomeFlags = CentreFlags & { candidate?: string; limit?: string };

/** `notarium admission outcomes`. */
export async function listOutcomes(run: Run<OutcomeFlags>): Promise<void> {
  const { options, output, signal } = run;
  const candidate = options.candidate === undefined ? undefined : addressFrom(options.candidate);
  const limit = limitOf(options.limit ?? '50');
  const { client } = await openActing(run);
  const outcomes: OutcomeAnswer[] = [];
  for await (const outcome of client.admissions.outcomes({ candidate }, { signal })) {
    outcomes.push(outcome);
    if (outcomes.length >= limit) break;
  }
  output.json({ ok: true, outcomes });
  if (outcomes.length === 0) {
    output.note('There are no such outcomes.');
    return;
  }
  const head = ['time', 'candidate', 'for', 'outcome', 'figure', 'location', 'record'];
  const rows = outcomes.map(({ time, purpose, outcome, code, document, recordId, ...rest }) => [
    time,
    rest.candidate,
    purpose,
    code ?? outcome,
    figureOf(document),
    placeText(document.location) ?? 'unknown',
    recordId,
  ]);
  output.line(...table([head, ...rows]));
}

function figureOf({ check, have, want, unit }: OutcomeAnswer['document']): string {
  if (typeof have !== 'number' || typeof want !== 'number') return '';
  return `${String(check ?? '')} ${figureText(have)} of ${figureText(want)} ${String(unit ?? '')}`.trim();
}
