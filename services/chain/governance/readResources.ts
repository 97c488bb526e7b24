import { AbiCoder, type Result } from 'ethers';
import type { Hash, Hex } from '../../core/bytes.ts';
import { proposalIdOf } from '../../core/governance/signing.ts';
import { named } from '../callErrors.ts';
import type { Governance, VersionState } from '../Governance.ts';
import { resourcesInterface } from '../interfaces.ts';
import { codesOf } from './codesOf.ts';
import type { GovernanceSource } from './GovernanceSource.ts';
import { lenientText } from './lenientText.ts';
import { nameAt } from './readProposal.ts';

/** The contract's enum; `None` is no version at all. */
export const versionStates: readonly (VersionState | undefined)[] = [
  undefined,
  'passed',
  'applied',
  'verified',
  'failed',
];

/** `Version`, its URI as bytes: who proposes may put anything there, and it must not make the rest unreadable. */
const versionType =
  'tuple(uint8 state,uint64 parent,uint64 epoch,uint48 passedAt,uint16 matching,uint16 differing,bytes32 configurationHash,uint256 proposalId,bytes uri)';

type Reads = Pick<Governance, 'resourceHeads' | 'resourceVersion' | 'reportSequence'>;

/** What the resource registry says now; see {@link Governance}. */
export function resourceReads({ rpc, resources, contracts }: GovernanceSource): Reads {
  return {
    resourceHeads: async (resourceSet) => {
      const at = { blockTag: Number(await rpc('eth_blockNumber', [])) };
      const [head, inForce, count] = await Promise.all([
        resources.head(resourceSet, at),
        resources.inForce(resourceSet, at),
        resources.versionCount(resourceSet, at),
      ]);
      return { head: Number(head), inForce: Number(inForce), count: Number(count) };
    },
    resourceVersion: async (resourceSet, version) => {
      const data = resourcesInterface.encodeFunctionData('versionAt', [resourceSet, version]);
      const call = { to: contracts.resources, data };
      const answer = await named(codesOf.resources, () => rpc('eth_call', [call, 'latest']));
      const [kept] = AbiCoder.defaultAbiCoder().decode([versionType], String(answer)) as unknown as [Result];
      return {
        version,
        state: nameAt(versionStates, kept.state),
        parent: Number(kept.parent),
        epoch: Number(kept.epoch),
        passedAt: Number(kept.passedAt),
        matching: Number(kept.matching),
        differing: Number(kept.differing),
        configurationHash: kept.configurationHash as Hash,
        proposalId: proposalIdOf(kept.proposalId as bigint),
        uri: lenientText(kept.uri as Hex),
      };
    },
    reportSequence: async (resourceSet, version, reporter) => {
      const [sequence] = await resources.reportOf(resourceSet, version, reporter);
      return Number(sequence);
    },
  };
}
