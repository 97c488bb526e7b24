import { join } from 'node:path';
import type { JoinState, JoinStatus } from '../../app/admission/joinStatus.ts';
import { readKeystore } from '../../lib/keystore.ts';
import { timeText } from '../governance/texts.ts';
import type { Run } from '../Run.ts';
import type { JoinFlags } from './joinNetwork.ts';

const sentences: Readonly<Record<JoinState, string>> = {
  none: 'has not applied',
  applied: 'has applied; its information is not published: run "notarium join" again',
  published: 'has applied; nobody has proposed to admit it yet',
  voting: 'is being voted on',
  refused: 'was refused by vote',
  expired: 'has applied, and nobody has decided in time',
  active: 'is an active centre',
  out: 'is no candidate',
};

/** `notarium join --status`. */
export async function showJoinStatus(run: Run<JoinFlags>): Promise<void> {
  const { settings, output, actions } = run;
  const { address } = await readKeystore(settings.keystore ?? join(settings.data, 'keystore'));
  const status = await actions.joinStatus(run, address);
  output.json({ ok: true, ...status });
  const mark = { active: 'passed', refused: 'failed', expired: 'failed', out: 'failed' } as const;
  const { state } = status;
  output.line(`${output.mark(mark[state as keyof typeof mark] ?? 'skipped')} ${address} ${sentences[state]}`);
  for (const [name, value] of facts(status)) {
    if (value !== undefined) output.line(`  ${name.padEnd(11)} ${value}`);
  }
}

function facts(status: JoinStatus): [string, string | undefined][] {
  const { activeSince, application, expiry, score, proposal, unasked, retryAt, state } = status;
  const mayApply = state === 'refused' || state === 'expired' || state === 'none' || state === 'out';
  return [
    ['registry', status.status],
    ['active', activeSince === undefined ? undefined : `since epoch ${activeSince}`],
    ['application', application && `${application}${score === undefined ? '' : `, score ${score}`}`],
    ['good until', expiry === undefined ? undefined : timeText(expiry)],
    ['proposal', proposal && `${proposal.proposalId}, ${proposal.state}`],
    ['vote until', proposal && timeText(proposal.voteEnd)],
    ...(proposal?.votes ?? []).map(({ voter, support, reason }): [string, string] => [
      `  ${support}`,
      `${voter}${reason === '' ? '' : `: ${reason}`}`,
    ]),
    ['vote', unasked === undefined ? undefined : `unknown: ${unasked}`],
    ['again from', retryAt !== undefined && mayApply ? timeText(retryAt) : undefined],
  ];
}
