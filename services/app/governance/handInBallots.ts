import { fromHex } from '../../core/bytes.ts';
import { type ErrorCode, isNotariumError, type NotariumError } from '../../core/errors.ts';
import type { Support } from '../../core/governance/names.ts';
import { outcomeOf } from '../../core/governance/outcome.ts';
import type { StoredBallot } from '../../store/BallotStore.ts';
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
 * the same time does no harm: who has voted is passed over.
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
  /** What single ballots failed by: the others must not wait for them. */
  const failures: NotariumError[] = [];
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
    if (error.code !== 'ballot-invalid') {
      failures.push(error);
      return;
    }
    // A wallet that has changed its mind.
    logger.warn({ err: error, proposalId, voter: ballot.voter }, 'a ballot that the chain does not take is dropped');
    await store.dropBallot(ballot);
  };
  try {
    for (const batch of ballotBatches(ballots)) await castOrHalve(batch);
  } catch (error) {
    if (isNotariumError(error, 'proposal-state')) return;
    throw error;
  }
  if (failures[0]) throw failures[0];
}
