import type { Address, Hash } from '../../core/bytes.ts';
import type { Aggregation, ProposalKind, Support } from '../../core/governance/names.ts';
import { outcomeOf } from '../../core/governance/outcome.ts';
import type { ProposalState } from '../../core/governance/proposalState.ts';
import type { ProposalId, ProposalOutcome } from '../../core/governance/signing.ts';
import type { ProposalProjection } from './projections.ts';
import { tallyOf } from './projectProposal.ts';

/** As the contract has it: what has passed can be executed for so long after its last second, but for kind general. */
const executionSeconds = 30 * 86_400;

/** A proposal as clients see it. Times are Unix seconds. */
export type ProposalView = {
  readonly proposalId: ProposalId;
  /** By the events that are confirmed, and the time of the chain. */
  readonly state: ProposalState;
  readonly kind: ProposalKind;
  readonly proposer: Address;
  /** Left out where this centre does not have the content. */
  readonly title?: string;
  readonly contentHash: Hash;
  /** The electorate is the committee of this epoch. */
  readonly epoch: number;
  readonly aggregation: Aggregation;
  readonly quorumVotes: number;
  readonly totalVotes: number;
  readonly forVotes: number;
  readonly againstVotes: number;
  readonly abstainVotes: number;
  /** First and last second in which votes are taken. */
  readonly voteStart: number;
  readonly voteEnd: number;
  /** In the order of their places. */
  readonly electorate: readonly { readonly account: Address; readonly votes: number }[];
  /** In chain order. */
  readonly votes: readonly {
    readonly voter: Address;
    readonly support: Support;
    readonly votes: number;
    readonly reason: string;
    readonly time: number;
    readonly transactionHash: Hash;
  }[];
  /** Once it is decided: what all centres sign. */
  readonly outcome?: ProposalOutcome;
  readonly createdAt: number;
  readonly transactionHash: Hash;
};

/**
 * State of a proposal at a time of the chain, as the contract would answer. Where no block comes, time goes on all the same; its
 * outcome is there only with a confirmed block.
 */
export function proposalStateAt(proposal: ProposalProjection, seconds: number): ProposalState {
  const { canceled, executed, outcome, kind, voteStart, voteEnd } = proposal;
  if (executed) return 'executed';
  if (canceled) return 'canceled';
  const decision = outcome?.decision ?? outcomeOf(tallyOf(proposal), seconds > voteEnd);
  if (decision === undefined) return seconds < voteStart ? 'pending' : 'active';
  if (decision === 'defeated') return 'defeated';
  return kind !== 'general' && seconds > voteEnd + executionSeconds ? 'expired' : 'succeeded';
}

/** A projection as a view. @param reasonCharacters Of each reason, at most so many characters are shown. */
export function proposalView(
  proposal: ProposalProjection,
  seconds: number,
  { title, reasonCharacters }: { readonly title?: string | undefined; readonly reasonCharacters: number },
): ProposalView {
  const { forVotes, againstVotes, abstainVotes } = tallyOf(proposal);
  const { outcome, created } = proposal;
  return {
    proposalId: proposal.proposalId,
    state: proposalStateAt(proposal, seconds),
    kind: proposal.kind,
    proposer: proposal.proposer,
    ...(title === undefined ? {} : { title }),
    contentHash: proposal.contentHash,
    epoch: proposal.epoch,
    aggregation: proposal.aggregation,
    quorumVotes: proposal.quorumVotes,
    totalVotes: proposal.totalVotes,
    forVotes,
    againstVotes,
    abstainVotes,
    voteStart: proposal.voteStart,
    voteEnd: proposal.voteEnd,
    electorate: proposal.electorate,
    votes: proposal.votes.map(({ place, reason, ...vote }) => ({
      ...vote,
      reason: reason.length <= reasonCharacters ? reason : reason.slice(0, reasonCharacters).toWellFormed(),
      time: place.timestamp,
      transactionHash: place.transactionHash,
    })),
    ...(outcome ? { outcome } : {}),
    createdAt: created.timestamp,
    transactionHash: created.transactionHash,
  };
}
