import { fromHex } from '../../core/bytes.ts';
import { isNotariumError } from '../../core/errors.ts';
import type { Support } from '../../core/governance/names.ts';
import { outcomeOf } from '../../core/governance/outcome.ts';
import type { StoredBallot } from '../../store/BallotStore.ts';
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

/**
 * Hands in all ballots that the chain lacks, in one batch. Whoever else does it at the same time does no harm: who has voted is
 * passed over.
 * @throws NotariumError of `Governance.castVotes`, but `ballot-invalid`: ballots that are not taken are dropped; and but
 *   `proposal-state`: somebody was faster, and it is decided.
 */
export async function handInBallots(
  parts: Pick<GovernanceParts, 'governance' | 'store' | 'logger' | 'notices'>,
  { proposalId }: ProposalProjection,
  signal: AbortSignal,
): Promise<void> {
  const { governance, store, logger, notices } = parts;
  const now = await governance.proposal(proposalId);
  // Its state may be that of an old block, before the vote began: the call itself goes by the chain's clock.
  if (!now || (now.state !== 'active' && now.state !== 'pending')) return;
  const voted = new Set(now.electorate.filter(({ hasVoted }) => hasVoted).map(({ account }) => account));
  const ballots = openBallots(await store.ballots(proposalId), voted);
  if (ballots.length === 0) return;
  const cast = async (some: readonly StoredBallot[]): Promise<void> => {
    const signed = some.map((ballot) => ({ ...ballot, signature: fromHex(ballot.signature) }));
    const { transactionHash, gasUsed } = await governance.castVotes(proposalId, signed, { signal });
    logger.info(
      { proposalId, count: some.length, transactionHash, gas: Number(gasUsed) },
      'collected ballots handed in',
    );
    notices.lookSoon();
  };
  try {
    await cast(ballots);
  } catch (error) {
    if (isNotariumError(error, 'proposal-state')) return;
    if (!isNotariumError(error, 'ballot-invalid')) throw error;
    // A wallet that has changed its mind: the others must not wait for it.
    for (const ballot of ballots) {
      try {
        await cast([ballot]);
      } catch (refusal) {
        if (isNotariumError(refusal, 'proposal-state')) return;
        if (!isNotariumError(refusal, 'ballot-invalid')) throw refusal;
        logger.warn(
          { err: refusal, proposalId, voter: ballot.voter },
          'a ballot that the chain does not take is dropped',
        );
        await store.dropBallot(ballot);
      }
    }
  }
}
