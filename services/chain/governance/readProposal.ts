import type { Address } from '../../core/bytes.ts';
import { isNotariumError } from '../../core/errors.ts';
import { aggregations, type ProposalKind, proposalKinds } from '../../core/governance/names.ts';
import type { Rule } from '../../core/governance/proposalContent.ts';
import type { ProposalState } from '../../core/governance/proposalState.ts';
import type { ProposalId } from '../../core/governance/signing.ts';
import { invalidAnswer } from '../../lib/invalidAnswer.ts';
import { named } from '../callErrors.ts';
import { fewAtOnce } from '../fewAtOnce.ts';
import type { ChainProposal } from '../Governance.ts';
import { codesOf } from './codesOf.ts';
import type { GovernanceSource } from './GovernanceSource.ts';

// The order of IGovernor's enum; nothing is ever queued.
const states: readonly (ProposalState | undefined)[] = [
  'pending',
  'active',
  'canceled',
  'defeated',
  'succeeded',
  undefined,
  'expired',
  'executed',
];

/** Item of an enum of a contract. */
export function nameAt<T extends string>(names: readonly (T | undefined)[], index: bigint | number): T {
  const name = names[Number(index)];
  if (name === undefined) throw invalidAnswer(`no item ${index} of ${names.join(', ')}`);
  return name;
}

/** See Governance.rule. */
export async function readRule({ governor }: GovernanceSource, kind: ProposalKind): Promise<Rule> {
  const rule = await governor.rule(proposalKinds.indexOf(kind));
  return {
    aggregation: nameAt(aggregations, rule.aggregation),
    quorumShare: Number(rule.quorumShare),
    delaySeconds: Number(rule.delaySeconds),
    periodSeconds: Number(rule.periodSeconds),
  };
}

/** See Governance.proposal. All of it is of one chain block. */
export async function readProposal(
  source: GovernanceSource,
  proposalId: ProposalId,
): Promise<ChainProposal | undefined> {
  const at = { blockTag: Number(await source.rpc('eth_blockNumber', [])) };
  try {
    return await named(codesOf.castVote, () => proposalAt(source, proposalId, at));
  } catch (error) {
    if (isNotariumError(error, 'proposal-unknown')) return undefined;
    throw error;
  }
}

async function proposalAt(
  { governor }: GovernanceSource,
  proposalId: ProposalId,
  at: { readonly blockTag: number },
): Promise<ChainProposal> {
  const kept = await governor.proposal(proposalId, at);
  const state = await governor.state(proposalId, at);
  const accounts = (await governor.electorate(proposalId, at)).map((account) => account.toLowerCase() as Address);
  const aggregation = nameAt(aggregations, kept.aggregation);
  const votesOf = async (account: Address): Promise<number> =>
    aggregation === 'weighted' ? Number(await governor.votesOn(proposalId, account, at)) : 1;
  const votes = await fewAtOnce(accounts, votesOf);
  return {
    proposalId,
    state: nameAt(states, state),
    kind: nameAt(proposalKinds, kept.kind),
    aggregation,
    proposer: kept.proposer.toLowerCase() as Address,
    epoch: Number(kept.epoch),
    voteStart: Number(kept.voteStart),
    voteEnd: Number(kept.voteEnd),
    forVotes: Number(kept.forVotes),
    againstVotes: Number(kept.againstVotes),
    abstainVotes: Number(kept.abstainVotes),
    totalVotes: Number(kept.totalVotes),
    quorumVotes: Number(kept.quorumVotes),
    electorate: accounts.map((account, place) => ({
      account,
      votes: votes[place]!,
      hasVoted: ((kept.voters >> BigInt(place)) & 1n) === 1n,
    })),
  };
}
