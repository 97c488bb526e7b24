import { Interface } from 'ethers';
import type { BlockAnchorInterface } from '../../types/ethers-contracts/BlockAnchor.ts';
import type { ConsortiumGovernorInterface } from '../../types/ethers-contracts/ConsortiumGovernor.ts';
import type { EvidenceChannelsInterface } from '../../types/ethers-contracts/EvidenceChannels.ts';
import type { NodeRegistryInterface } from '../../types/ethers-contracts/NodeRegistry.ts';
import type { ResourceRegistryInterface } from '../../types/ethers-contracts/ResourceRegistry.ts';
import blockAnchorAbi from './abi/BlockAnchor.json' with { type: 'json' };
import consortiumGovernorAbi from './abi/ConsortiumGovernor.json' with { type: 'json' };
import evidenceChannelsAbi from './abi/EvidenceChannels.json' with { type: 'json' };
import nodeRegistryAbi from './abi/NodeRegistry.json' with { type: 'json' };
import resourceRegistryAbi from './abi/ResourceRegistry.json' with { type: 'json' };

// The contracts as ethers reads them. Each once: to read the ABI of the governor takes longer than a call.
export const blockAnchorInterface = new Interface(blockAnchorAbi) as unknown as BlockAnchorInterface;
export const registryInterface = new Interface(nodeRegistryAbi) as unknown as NodeRegistryInterface;
export const governorInterface = new Interface(consortiumGovernorAbi) as unknown as ConsortiumGovernorInterface;
export const resourcesInterface = new Interface(resourceRegistryAbi) as unknown as ResourceRegistryInterface;
export const channelsInterface = new Interface(evidenceChannelsAbi) as unknown as EvidenceChannelsInterface;
