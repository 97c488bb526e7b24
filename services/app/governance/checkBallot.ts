import { fromHex } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { ballotDigest } from '../../core/governance/signing.ts';
import type { StoredBallot } from '../../store/BallotStore.ts';
import type { GovernanceParts } from './GovernanceParts.ts';
import type { ProposalProjection } from './projections.ts';

/**
 * Checks a vote by signature as the contract will. The signature is bound to proposal, chain and governor.
 * @throws NotariumError `elector-unknown`, `ballot-invalid`.
 */
export async function checkBallot(
  { governance, crypto }: Pick<GovernanceParts, 'governance' | 'crypto'>,
  proposal: ProposalProjection,
  ballot: StoredBallot,
): Promise<void> {
  const { proposalId, voter, signature } = ballot;
  if (proposalId !== proposal.proposalId) throw new NotariumError('ballot-invalid', 'a vote on another proposal');
  checkElector(proposal, voter);
  const digest = ballotDigest(governance.governor, ballot, crypto.keccak256);
  if (await governance.isSignedBy(voter, digest, fromHex(signature))) return;
  throw new NotariumError('ballot-invalid', `not signed by ${voter}`, { data: { voter, proposalId } });
}

/** @throws NotariumError `elector-unknown`. */
export function checkElector({ electorate, epoch }: ProposalProjection, voter: string): void {
  if (electorate.some(({ account }) => account === voter)) return;
  throw new NotariumError('elector-unknown', voter, { data: { have: voter, epoch } });
}
