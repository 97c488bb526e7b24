import { fromHex } from '../../core/bytes.ts';
import { type ErrorCode, isNotariumError, type NotariumError } from '../../core/errors.ts';
import type { Support } from '../../core/governance/names.ts';
import { outcomeOf } from '../../core/governance/outcome.ts';
import type { StoredBallot } from '../../store/BallotStore.ts';
import type { BallotPauses } from './BallotPauses.ts';
import { ballotBatches } from './ballotBatches.ts';
import type { GovernanceParts } from './GovernanceParts.ts';
import type { ProposalProjection } from './projections.ts';
import { tallyOf } from './projectProposal.ts';

/** Ballots whose voters have not voted on the chain yet. */
export function openBallots(ballots: readonly StoredBallot[], voted: ReadonlySet<string>): StoredBallot[] {
  return ballots.filter(({ voter }) => !voted.has(voter));
}

/** Whether the votes of the chain and these ballots together make the outcome certain. */
export function decides(proposal: ProposalProjection, ballots: readonly StoredBallot[]): boolean {
  const { forVotes, againstVotes, abstainVotes, ...rest } = tallyOf(proposal);
  const votes: Record<Support, number> = { for: forVotes, against: againstVotes, abstain: abstainVotes };
  const weights = new Map(proposal.electorate.map((elector) => [elector.account, elector.votes]));
  for (const { voter, support } of ballots) votes[support] += weights.get(voter) ?? 0;
  const tally = { ...rest, forVotes: votes.for, againstVotes: votes.against, abstainVotes: votes.abstain };
  return outcomeOf(tally, false) !== undefined;
}

/** What may be the fault of one ballot in a batch, or of all being too much for one transaction. */
const divisibleCodes: ReadonlySet<ErrorCode> = new Set([
  'ballot-invalid',
  'chain-call-rejected',
  'chain-answer-invalid',
]);

/**
 * Hands in all ballots that the chain lacks, in one batch where they fit, in halves of what is not taken. Whoever else does it at
 * the same time does no harm: who has voted is passed over. A ballot that fails by itself is left alone for a while.
 * @throws NotariumError of `Governance.castVotes`, but for what may be the fault of a ballot; and but `proposal-state`: somebody
 *   was faster, and it is decided.
 */
export async function handInBallots(
  parts: Pick<GovernanceParts, 'governance' | 'store' | 'logger' | 'notices'>,
  { proposalId }: ProposalProjection,
  { pauses, signal }: { readonly pauses: BallotPauses; readonly signal: AbortSignal },
): Promise<void> {
  const { governance, store, logger, notices } = parts;
  const now = await governance.proposal(proposalId);
  // Its state may be that of an old block, before the vote began: the call itself goes by the chain's clock.
  if (!now || (now.state !== 'active' && now.state !== 'pending')) return;
  const voted = new Set(now.electorate.filter(({ hasVoted }) => hasVoted).map(({ account }) => account));
  const ballots = openBallots(await store.ballots(proposalId), voted).filter(({ voter }) => pauses.isDue(voter));
  const cast = async (some: readonly StoredBallot[]): Promise<void> => {
    const signed = some.map((ballot) => ({ ...ballot, signature: fromHex(ballot.signature) }));
    const { transactionHash, gasUsed } = await governance.castVotes(proposalId, signed, { signal });
    logger.info(
      { proposalId, count: some.length, transactionHash, gas: Number(gasUsed) },
      'collected ballots handed in',
    );
    notices.lookSoon();
  };
  const castOrHalve = async (some: readonly StoredBallot[]): Promise<void> => {
    try {
      await cast(some);
    } catch (error) {
      if (!isNotariumError(error) || !divisibleCodes.has(error.code)) throw error;
      if (some.length === 1) return await leave(some[0]!, error);
      const middle = Math.ceil(some.length / 2);
      await castOrHalve(some.slice(0, middle));
      await castOrHalve(some.slice(middle));
    }
  };
  const leave = async (ballot: StoredBallot, error: NotariumError): Promise<void> => {
    const { voter } = ballot;
    if (isPaidFor(error)) pauses.giveUp(voter);
    else pauses.postpone(voter);
    // A wallet that has changed its mind. It stays paused: whoever was told otherwise may give the ballot once more.
    if (error.code === 'ballot-invalid') await store.dropBallot(ballot);
    logger.warn({ err: error, proposalId, voter }, 'a ballot that the chain does not take');
  };
  try {
    for (const batch of ballotBatches(ballots)) await castOrHalve(batch);
  } catch (error) {
    if (isNotariumError(error, 'proposal-state')) return;
    throw error;
  }
}

/** Whether transactions were mined, and came to nothing. */
function isPaidFor({ data }: NotariumError): boolean {
  return typeof data.reverted === 'number' && data.reverted > 0;
}
