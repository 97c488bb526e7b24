import { outcomeOf, type Tally } from '../../core/governance/outcome.ts';
import type { ProposalOutcome } from '../../core/governance/signing.ts';
import type { NewNotice, NoticePlace } from '../../store/GovernanceStore.ts';
import { eventOf } from './noticeOf.ts';
import type { ProposalProjection } from './projections.ts';

/** What never changes of a proposal on the chain, and no event says. */
export type ProposalFacts = Pick<
  ProposalProjection,
  'epoch' | 'aggregation' | 'quorumVotes' | 'totalVotes' | 'electorate'
>;

/** A proposal with the place of what decided it; none where time did. */
export type ProjectedProposal = { readonly proposal: ProposalProjection; readonly decidedIn?: NoticePlace };

/**
 * A proposal as it follows from its notices; undefined where none of them says that it was made.
 * @param notices In chain order.
 * @param confirmedSeconds Time of the block up to which all notices are there, Unix: it ends votes.
 */
export function projectProposal(
  notices: readonly NewNotice[],
  facts: ProposalFacts,
  confirmedSeconds: number,
): ProjectedProposal | undefined {
  const events = notices.map(eventOf);
  const created = events.find((event) => event.type === 'proposal.created');
  if (!created) return undefined;
  const { type, place, ...said } = created;
  const votes = events.filter((event) => event.type === 'vote.cast');
  const canceled = events.find((event) => event.type === 'proposal.canceled')?.place;
  const executed = events.find((event) => event.type === 'proposal.executed')?.place;
  const proposal: ProposalProjection = {
    ...said,
    created: place,
    ...facts,
    votes: votes.map(({ voter, support, votes: weight, reason, place: where }) => ({
      voter,
      support,
      votes: weight,
      reason,
      place: where,
    })),
    ...(canceled ? { canceled } : {}),
    ...(executed ? { executed } : {}),
  };
  const decided = decide(proposal, confirmedSeconds);
  if (!decided) return { proposal };
  const { outcome, decidedIn } = decided;
  return { proposal: { ...proposal, outcome }, ...(decidedIn ? { decidedIn } : {}) };
}

/** Votes of a proposal so far, or only the first ones. */
export function tallyOf(proposal: Omit<ProposalProjection, 'outcome'>, first = proposal.votes.length): Tally {
  const { aggregation, totalVotes, quorumVotes } = proposal;
  const tally = { for: 0, against: 0, abstain: 0 };
  for (const { support, votes } of proposal.votes.slice(0, first)) tally[support] += votes;
  const { for: forVotes, against: againstVotes, abstain: abstainVotes } = tally;
  return { aggregation, totalVotes, quorumVotes, forVotes, againstVotes, abstainVotes };
}

function decide(
  proposal: Omit<ProposalProjection, 'outcome'>,
  confirmedSeconds: number,
): { readonly outcome: ProposalOutcome; readonly decidedIn?: NoticePlace } | undefined {
  const { proposalId, contentHash, voteEnd, votes, canceled } = proposal;
  const { forVotes, againstVotes, abstainVotes } = tallyOf(proposal);
  const all = { proposalId, contentHash, forVotes, againstVotes, abstainVotes };
  if (canceled)
    return { outcome: { ...all, decision: 'canceled', decidedAt: canceled.timestamp }, decidedIn: canceled };
  for (const [index, { place }] of votes.entries()) {
    const decision = outcomeOf(tallyOf(proposal, index + 1), false);
    if (!decision) continue;
    // The contract takes none after it but those of the same batch, which are in the same block and change nothing more.
    return { outcome: { ...all, decision, decidedAt: place.timestamp }, decidedIn: votes.at(-1)!.place };
  }
  if (confirmedSeconds <= voteEnd) return undefined;
  const decision = outcomeOf(tallyOf(proposal), true)!;
  return { outcome: { ...all, decision, decidedAt: voteEnd + 1 } };
}
