import { canonicalText } from '../../core/canonicalJson.ts';
import type { ProposalContent } from '../../core/governance/proposalContent.ts';
import type { ProposalDetail } from '../../lib/client/governanceAnswers.ts';
import type { CentreFlags } from '../commandOptions.ts';
import { exitCodeOf } from '../exitCodes.ts';
import { nextStep } from '../nextSteps.ts';
import type { Run } from '../Run.ts';
import { table } from '../table.ts';
import { type GovernanceClient, openReading, proposalIdFrom } from './GovernanceRun.ts';
import { judgeResult, type ResultVerdict } from './judgeResult.ts';
import { longState } from './stateText.ts';
import { counted, timeText } from './texts.ts';

type NameOf = GovernanceClient['nameOf'];

/** `notarium proposal show`. */
export async function showProposal(run: Run<CentreFlags>, text: string): Promise<void> {
  const { output, signal, settings } = run;
  const proposalId = proposalIdFrom(text);
  const { client, nameOf } = await openReading(run);
  const proposal = await client.proposals.get(proposalId, { signal });
  const verdict = await judgeResult(client, proposal, { isByChain: settings.rpcUrl !== undefined, signal });
  const { error, verified, needsChain, ...judged } = verdict;
  output.json({
    ok: error === undefined,
    proposal,
    verification: {
      ...judged,
      ...(verified ? { confirmedBy: verified.confirmedBy } : {}),
      ...(needsChain ? { needsChain } : {}),
      ...(error ? { code: error.code, detail: error.detail } : {}),
    },
  });
  printFacts(run, proposal, verdict, nameOf);
  printVotes(run, proposal, nameOf);
  printResult(run, proposal, verdict, nameOf);
  if (error && (verdict.status === 'failed' || needsChain)) run.exit(exitCodeOf(error.code));
}

function printFacts(
  { output }: Run<CentreFlags>,
  proposal: ProposalDetail,
  { verified }: ResultVerdict,
  nameOf: NameOf,
): void {
  const { kind, proposer, contentHash, aggregation, quorumVotes, totalVotes, createdAt, epoch } = proposal;
  const content = verified?.content;
  output.line(output.paint('strong', proposal.proposalId));
  const lines: [string, string | undefined][] = [
    ['title', content?.title ?? proposal.title],
    ['kind', kind],
    ['state', longState(proposal, Date.now() / 1000)],
    ['proposer', `${nameOf(proposer)} (${proposer}), ${timeText(createdAt)}`],
    ['content', `sha-256:${contentHash.slice(2)}`],
    ...(content ? contentLines(content) : []),
    ['rule', `${aggregation} of ${counted(totalVotes, 'vote')} (committee of epoch ${epoch}), quorum ${quorumVotes}`],
  ];
  for (const [name, value] of lines) if (value !== undefined) output.line(`  ${name.padEnd(11)} ${value}`);
}

function contentLines({ text, kind, effect }: ProposalContent): [string, string][] {
  const lines =
    text === '' ? [] : text.split(/\r?\n/).map((line, at): [string, string] => [at === 0 ? 'text' : '', line]);
  if (kind === 'general') return lines;
  if (kind !== 'resource') return [...lines, ['effect', canonicalText(effect)]];
  const { resourceSet, base, patch } = effect;
  const changes = patch.map((operation): [string, string] => {
    const { op, path } = operation;
    const value = 'value' in operation ? ` ${canonicalText(operation.value)}` : '';
    return ['', `  ${op} ${'from' in operation ? `${operation.from} to ` : ''}${path || 'the whole'}${value}`];
  });
  return [...lines, ['effect', `${resourceSet}, from version ${base}:`], ...changes];
}

function printVotes({ output }: Run<CentreFlags>, proposal: ProposalDetail, nameOf: NameOf): void {
  const { votes, electorate, forVotes, againstVotes, abstainVotes, totalVotes } = proposal;
  const out = totalVotes - forVotes - againstVotes - abstainVotes;
  output.line(
    `  ${'votes'.padEnd(11)} for ${forVotes}, against ${againstVotes}, abstain ${abstainVotes}, not cast ${out}`,
    '',
  );
  const cast = new Map(votes.map((vote) => [vote.voter, vote]));
  const rows = electorate.map(({ account, votes: weight }) => {
    const vote = cast.get(account);
    return [nameOf(account), `${weight}`, vote?.support ?? '-', vote ? timeText(vote.time) : '', vote?.reason ?? ''];
  });
  for (const line of table([['centre', 'votes', 'vote', 'when', 'reason'], ...rows], new Set([1])))
    output.line(`  ${line}`);
  output.line('');
}

function printResult(
  { output }: Run<CentreFlags>,
  { result, outcome }: ProposalDetail,
  { status, basis, verified, error, quorum, needsChain }: ResultVerdict,
  nameOf: NameOf,
): void {
  if (result) {
    const { hash, type, nonce, amountWei, recipient, gasUsed, gasPriceWei, blockNumber } = result.transaction;
    output.line(`  ${'transaction'.padEnd(11)} ${hash}`);
    output.line(
      `  ${''.padEnd(11)} type ${type}, nonce ${nonce}, ${amountWei} wei to ${recipient}, block ${blockNumber}`,
      `  ${''.padEnd(11)} gas ${gasUsed} at ${gasPriceWei} wei`,
    );
  }
  if (outcome) output.line(`  ${'result'.padEnd(11)} ${outcome.decision}, ${timeText(outcome.decidedAt)}`);
  const names = (verified?.confirmedBy ?? []).map(nameOf).join(', ');
  const line = {
    undecided: `${output.mark('skipped')} undecided: content and proposer are right by ${basis}`,
    confirmed: `${output.mark('passed')} ${output.paint('good', 'CONFIRMED')} by ${names} (${verified?.confirmedBy.length} of ${verified?.members}; by ${basis})`,
    unconfirmed: `${output.mark('skipped')} signed by ${names || 'nobody'} so far; confirmed by ${quorum} (by ${basis})`,
    unchecked: `${output.mark('skipped')} not checked: ${error?.message}`,
    failed: `${output.mark('failed')} ${output.paint('bad', 'NOT CONFIRMED')}: ${error?.message}`,
  }[status];
  output.line(line);
  const hint = needsChain ? nextStep('signature-needs-chain') : undefined;
  if (hint !== undefined) output.line(`  ${hint}`);
}
