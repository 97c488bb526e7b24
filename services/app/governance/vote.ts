import { toHex } from '../../core/bytes.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import type { VoteRequest } from '../../core/governance/ballot.ts';
import { type Ballot, ballotDigest, type ProposalId } from '../../core/governance/signing.ts';
import type { StoredBallot } from '../../store/BallotStore.ts';
import { checkBallot, checkElector } from './checkBallot.ts';
import { checkContent } from './checkContent.ts';
import { awaitProposal, findProposal } from './findProposal.ts';
import type { GovernanceParts } from './GovernanceParts.ts';
import type { Voted } from './ProposalActions.ts';
import type { ProposalProjection } from './projections.ts';

/** Tells the other centres of a ballot that has just been kept. */
export type Spread = (ballot: StoredBallot) => void;

/**
 * Votes as this centre, by transaction or by signature, or takes a ballot that was signed elsewhere. The same vote again is the
 * same answer.
 * @param signal Ends the waiting, not what is under way.
 * @throws NotariumError `proposal-unknown`, `proposal-state` with data { have }, `elector-unknown`, `vote-cast` (the voter has
 *   voted otherwise), `ballot-invalid`; of `checkContent` where this centre votes for; of `Governance.castVote`.
 */
export async function vote(
  parts: GovernanceParts,
  spread: Spread,
  proposalId: ProposalId,
  request: VoteRequest,
  signal?: AbortSignal,
): Promise<Voted> {
  const { signer, store, governance, crypto } = parts;
  const proposal = await findProposal(parts, proposalId, signal);
  const { support, reason = '' } = request;
  const isForeign = 'signature' in request;
  const ballot: Ballot = { proposalId, support, reason, voter: isForeign ? request.voter : signer.address };
  checkElector(proposal, ballot.voter);
  const cast = castVote(proposal, ballot);
  if (cast) return cast;
  checkOpen(parts, proposal);
  if (isForeign) {
    const signed = { ...ballot, signature: request.signature };
    await checkBallot(parts, proposal, signed);
    return await keep(parts, spread, signed);
  }
  if (support === 'for') await checkContent(parts, proposal, signal);
  if (request.by === 'signature') {
    const kept = (await store.ballots(proposalId)).find(({ voter }) => voter === ballot.voter);
    const digest = ballotDigest(governance.governor, ballot, crypto.keccak256);
    return await keep(parts, spread, kept ?? { ...ballot, signature: toHex(await signer.sign(digest)) }, ballot);
  }
  // One that is out may be handed in by anybody.
  const out = (await store.ballots(proposalId)).find(({ voter }) => voter === ballot.voter);
  if (out) checkSame(out, ballot);
  return await castNow(parts, ballot, signal);
}

function checkOpen({ notices }: GovernanceParts, { outcome, voteEnd }: ProposalProjection): void {
  const have = outcome?.decision ?? (notices.chainSeconds() > voteEnd ? 'over' : undefined);
  if (have) throw new NotariumError('proposal-state', have, { data: { have, voteEnd } });
}

async function castNow(parts: GovernanceParts, ballot: Ballot, signal: AbortSignal | undefined): Promise<Voted> {
  const { governance, notices } = parts;
  try {
    const { transactionHash } = await governance.castVote(ballot, signal ? { signal } : {});
    notices.lookSoon();
    return { ...ballot, by: 'transaction', transactionHash };
  } catch (error) {
    if (!isNotariumError(error, 'vote-cast')) throw error;
    // Before a crash, perhaps: then it will be confirmed.
    const cast = await awaitProposal(parts, ballot.proposalId, (proposal) => castVote(proposal, ballot), signal);
    if (cast) return cast;
    throw error;
  }
}

/** The same vote, where it stands on the chain already. @throws NotariumError `vote-cast`. */
function castVote({ votes }: ProposalProjection, ballot: Ballot): Voted | undefined {
  const cast = votes.find(({ voter }) => voter === ballot.voter);
  if (!cast) return undefined;
  checkSame(cast, ballot);
  return { ...ballot, by: 'transaction', transactionHash: cast.place.transactionHash };
}

async function keep(
  { store }: GovernanceParts,
  spread: Spread,
  signed: StoredBallot,
  want: Ballot = signed,
): Promise<Voted> {
  // On disk first: what was given away must not be forgotten, or this centre could sign something else.
  const kept = await store.keepBallot(signed);
  checkSame(kept, want);
  spread(kept);
  return { ...want, by: 'signature', signature: kept.signature };
}

function checkSame(stands: Pick<Ballot, 'support' | 'reason'>, want: Ballot): void {
  if (stands.support === want.support && stands.reason === want.reason) return;
  const { support, reason } = stands;
  throw new NotariumError('vote-cast', `${want.voter} has voted ${support}`, { data: { support, reason } });
}
