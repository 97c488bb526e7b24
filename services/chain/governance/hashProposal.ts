import { AbiCoder, id, keccak256 } from 'ethers';
import type { Address, Hash, Hex } from '../../core/bytes.ts';
import type { ProposalKind } from '../../core/governance/names.ts';
import type { ProposalId } from '../../core/governance/signing.ts';
import type { GovernanceContracts } from './GovernanceSource.ts';

/** Arguments of `execute`, `cancel` and `hashProposal`: targets, values, calldatas, hash of the description. */
export type ProposalArgs = [Address[], number[], Hex[], Hash];

/** The description that the contract gives a proposal: kind, content and proposer are thereby in its number. */
export function describe(kind: ProposalKind, contentHash: Hash, proposer: Address): string {
  return `${kind} ${contentHash}#proposer=${proposer}`;
}

/** A proposal as `IGovernor` takes it; all its calls go to the one contract of its kind. */
export function proposalArgs(
  contracts: GovernanceContracts,
  proposal: { readonly kind: ProposalKind; readonly calls: readonly Hex[]; readonly description: string },
): ProposalArgs {
  const { kind, calls, description } = proposal;
  const target = targetOf(contracts, kind);
  return [calls.map(() => target), calls.map(() => 0), [...calls], id(description) as Hash];
}

/** `IGovernor.hashProposal`. */
export function hashProposal(args: ProposalArgs): ProposalId {
  return keccak256(AbiCoder.defaultAbiCoder().encode(['address[]', 'uint256[]', 'bytes[]', 'bytes32'], args)) as Hash;
}

function targetOf({ registry, governor, resources }: GovernanceContracts, kind: ProposalKind): Address {
  if (kind === 'parameter') return governor;
  return kind === 'resource' ? resources : registry;
}
