import type { SignedVoteStruct } from '../../../types/ethers-contracts/ConsortiumGovernor.ts';
import { concat, type Hex, toHex } from '../../core/bytes.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import { supports } from '../../core/governance/names.ts';
import { type Ballot, ballotDigest, type ProposalId } from '../../core/governance/signing.ts';
import { compactSignature, recoverAddress } from '../../core/signature.ts';
import type { GovernanceSource } from './GovernanceSource.ts';

/** A collected vote. */
export type SignedBallot = Ballot & { readonly signature: Uint8Array };

/**
 * Votes as `castVotesBySig` takes them: 66 bytes each where the voter's own key signed without a reason; the rest, contract
 * wallets' among them, in full; and how many are of wallets.
 * @param places Of the electorate.
 * @throws NotariumError `elector-unknown`; `ballot-invalid` where a vote is on another proposal.
 */
export function batchOf(
  { crypto, chainId, contracts }: Pick<GovernanceSource, 'crypto' | 'chainId' | 'contracts'>,
  proposalId: ProposalId,
  votes: readonly SignedBallot[],
  places: ReadonlyMap<string, number>,
): { readonly compact: Hex; readonly others: SignedVoteStruct[]; readonly wallets: number } {
  const verifier = { chainId, contract: contracts.governor };
  const compact: Uint8Array[] = [];
  const others: SignedVoteStruct[] = [];
  let wallets = 0;
  for (const vote of votes) {
    const { voter, reason, signature } = vote;
    if (vote.proposalId !== proposalId) throw new NotariumError('ballot-invalid', 'a vote on another proposal');
    const place = places.get(voter);
    if (place === undefined) throw new NotariumError('elector-unknown', voter);
    const support = supports.indexOf(vote.support);
    const digest = ballotDigest(verifier, vote, crypto.keccak256);
    const isByKey = signerOf(crypto, digest, signature) === voter;
    if (!isByKey) wallets++;
    if (reason === '' && isByKey) {
      compact.push(Uint8Array.of(place, support), compactSignature(signature));
    } else others.push({ voter: place, support, reason, signature: toHex(signature) });
  }
  return { compact: toHex(concat(...compact)), others, wallets };
}

// Undefined for what no key has signed: the wallet at the voter's address may take it.
function signerOf(crypto: GovernanceSource['crypto'], digest: Uint8Array, signature: Uint8Array): string | undefined {
  try {
    return recoverAddress(crypto, digest, signature);
  } catch (error) {
    if (isNotariumError(error)) return undefined;
    throw error;
  }
}
