import { NotariumError } from '../../core/errors.ts';
import { type ProposalKind, proposalKinds } from '../../core/governance/names.ts';
import { type ProposalState, proposalStates } from '../../core/governance/proposalState.ts';
import type { ProposalAnswer } from '../../lib/client/governanceAnswers.ts';
import type { CentreFlags } from '../commandOptions.ts';
import type { Run } from '../Run.ts';
import { table } from '../table.ts';
import { openReading } from './GovernanceRun.ts';
import { shortState } from './stateText.ts';

/** Options of `notarium proposal list`. */
export type ListFlags = CentreFlags & { state?: string; kind?: string; limit?: string };

const maxListed = 10_000;

/** `notarium proposal list`. */
export async function listProposals(run: Run<ListFlags>): Promise<void> {
  const { options, output, signal } = run;
  const state = oneOf<ProposalState>('--state', options.state, proposalStates);
  const kind = oneOf<ProposalKind>('--kind', options.kind, proposalKinds);
  const limit = limitOf(options.limit ?? '50');
  const { client, nameOf } = await openReading(run);
  const proposals: ProposalAnswer[] = [];
  for await (const proposal of client.proposals.list({ state, kind }, { signal })) {
    proposals.push(proposal);
    if (proposals.length >= limit) break;
  }
  output.json({ ok: true, proposals });
  if (proposals.length === 0) {
    output.note('There are no such proposals.');
    return;
  }
  const nowSeconds = Date.now() / 1000;
  const head = ['id', 'kind', 'state', 'for', 'against', 'abstain', 'of', 'proposer', 'title'];
  const rows = proposals.map((proposal) => [
    ...[proposal.proposalId, proposal.kind, shortState(proposal, nowSeconds)],
    ...[proposal.forVotes, proposal.againstVotes, proposal.abstainVotes, proposal.totalVotes].map(String),
    ...[nameOf(proposal.proposer), proposal.title ?? ''],
  ]);
  output.line(...table([head, ...rows], new Set([3, 4, 5, 6])));
}

/** @throws NotariumError `usage-invalid`. */
export function oneOf<T extends string>(flag: string, text: string | undefined, all: readonly T[]): T | undefined {
  const found = all.find((each) => each === text);
  if (text === undefined || found !== undefined) return found;
  throw new NotariumError('usage-invalid', `${flag} is one of ${all.join(', ')}`);
}

/** @throws NotariumError `usage-invalid`. */
export function limitOf(text: string): number {
  const limit = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= maxListed) return limit;
  throw new NotariumError('usage-invalid', `--limit is a number from 1 to ${maxListed}`);
}
