import { Interface } from 'ethers';
import type { ConsortiumGovernorInterface } from '../../../types/ethers-contracts/ConsortiumGovernor.ts';
import type { NodeRegistryInterface } from '../../../types/ethers-contracts/NodeRegistry.ts';
import type { ResourceRegistryInterface } from '../../../types/ethers-contracts/ResourceRegistry.ts';
import consortiumGovernorAbi from '../abi/ConsortiumGovernor.json' with { type: 'json' };
import nodeRegistryAbi from '../abi/NodeRegistry.json' with { type: 'json' };
import resourceRegistryAbi from '../abi/ResourceRegistry.json' with { type: 'json' };

export const governorInterface = new Interface(consortiumGovernorAbi) as unknown as ConsortiumGovernorInterface;
export const registryInterface = new Interface(nodeRegistryAbi) as unknown as NodeRegistryInterface;
export const resourcesInterface = new Interface(resourceRegistryAbi) as unknown as ResourceRegistryInterface;
