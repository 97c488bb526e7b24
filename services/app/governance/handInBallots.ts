import type { MinedCall } from '../../chain/SentTransaction.ts';
import { fromHex } from '../../core/bytes.ts';
import { type ErrorCode, isNotariumError, type NotariumError } from '../../core/errors.ts';
import type { Support } from '../../core/governance/names.ts';
import { outcomeOf, type Tally } from '../../core/governance/outcome.ts';
import type { StoredBallot } from '../../store/BallotStore.ts';
import type { BallotPauses } from './BallotPauses.ts';
import { ballotBatches } from './ballotBatches.ts';
import { createdEvent } from './findProposal.ts';
import type { GovernanceParts } from './GovernanceParts.ts';
import type { ProposalProjection } from './projections.ts';
import { tallyOf } from './projectProposal.ts';

/** Ballots whose voters have not voted on the chain yet. */
export function openBallots(ballots: readonly StoredBallot[], voted: ReadonlySet<string>): StoredBallot[] {
  return ballots.filter(({ voter }) => !voted.has(voter));
}

/** Whether the votes of the chain and these ballots together make the outcome certain. */
export function decides(proposal: ProposalProjection, ballots: readonly StoredBallot[]): boolean {
  return outcomeWith(tallyOf(proposal), proposal.electorate, ballots) !== undefined;
}

function outcomeWith(
  { forVotes, againstVotes, abstainVotes, ...rest }: Tally,
  electorate: ProposalProjection['electorate'],
  ballots: readonly StoredBallot[],
): ReturnType<typeof outcomeOf> {
  const votes: Record<Support, number> = { for: forVotes, against: againstVotes, abstain: abstainVotes };
  const weights = new Map(electorate.map((elector) => [elector.account, elector.votes]));
  for (const { voter, support } of ballots) votes[support] += weights.get(voter) ?? 0;
  return outcomeOf({ ...rest, forVotes: votes.for, againstVotes: votes.against, abstainVotes: votes.abstain }, false);
}

/** What may be the fault of one ballot in a batch, or of all being too much for one transaction. */
const divisibleCodes: ReadonlySet<ErrorCode> = new Set([
  'ballot-invalid',
  'chain-call-rejected',
  'chain-answer-invalid',
]);

/** How collected ballots are handed in. */
export type HandInOptions = {
  readonly pauses: BallotPauses;
  readonly signal: AbortSignal;
  /** Whether what passes by them is executed with them. */
  readonly executes: boolean;
};

/**
 * Hands in all ballots that the chain lacks, in one batch where they fit, in halves of what is not taken. Whoever else does it at
 * the same time does no harm: who has voted is passed over. A ballot that fails by itself is left alone for a while. A proposal
 * that passes by a batch makes its calls in the same transaction; where it cannot, the votes count all the same.
 * @throws NotariumError of `Governance.castVotes`, but for what may be the fault of a ballot; and but `proposal-state`: somebody
 *   was faster, and it is decided.
 */
export async function handInBallots(
  parts: Pick<GovernanceParts, 'governance' | 'store' | 'logger' | 'notices'>,
  proposal: ProposalProjection,
  { pauses, signal, executes }: HandInOptions,
): Promise<void> {
  const { proposalId, kind } = proposal;
  const { governance, store, logger, notices } = parts;
  const now = await governance.proposal(proposalId);
  // Its state may be that of an old block, before the vote began: the call itself goes by the chain's clock.
  if (!now || (now.state !== 'active' && now.state !== 'pending')) return;
  const voted = new Set(now.electorate.filter(({ hasVoted }) => hasVoted).map(({ account }) => account));
  const ballots = openBallots(await store.ballots(proposalId), voted).filter(({ voter }) => pauses.isDue(voter));
  const counted: StoredBallot[] = [];
  const cast = async (some: readonly StoredBallot[]): Promise<void> => {
    const signed = some.map((ballot) => ({ ...ballot, signature: fromHex(ballot.signature) }));
    const passes =
      executes && kind !== 'general' && outcomeWith(now, now.electorate, [...counted, ...some]) === 'passed';
    const executed = passes ? await castAndExecute(signed) : undefined;
    const { transactionHash, gasUsed } = executed ?? (await governance.castVotes(proposalId, signed, { signal }));
    counted.push(...some);
    logger.info(
      { proposalId, count: some.length, transactionHash, gas: Number(gasUsed) },
      executed ? 'collected ballots handed in, and the proposal executed' : 'collected ballots handed in',
    );
    notices.lookSoon();
  };
  const castAndExecute = async (
    signed: Parameters<typeof governance.castVotesAndExecute>[1],
  ): Promise<MinedCall | undefined> => {
    try {
      return await governance.castVotesAndExecute(createdEvent(proposal), signed, { signal });
    } catch (error) {
      // The fault of a ballot, or of a call. Which one, and whether it is open at all, the votes alone will tell.
      if (!isNotariumError(error) || (error.code !== 'proposal-state' && !divisibleCodes.has(error.code))) throw error;
      logger.debug({ err: error, proposalId }, 'votes and execution in one transaction: not possible');
      return undefined;
    }
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
