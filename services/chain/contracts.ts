import { Contract, type ContractRunner, toQuantity } from 'ethers';
import type {
  BlockAnchor,
  ConsortiumGovernor,
  EvidenceChannels,
  NodeRegistry,
  ResourceRegistry,
} from '../../types/ethers-contracts/index.ts';
import type { Address } from '../core/bytes.ts';
import type { JsonRpc } from '../lib/jsonRpc.ts';
import {
  blockAnchorInterface,
  channelsInterface,
  governorInterface,
  registryInterface,
  resourcesInterface,
} from './interfaces.ts';

/**
 * Runs view calls straight over the RPC. An ethers provider would do the same behind a cache, a batch queue and a loop
 * that looks for the network for ever; none of the three is wanted here.
 */
function viewRunner(rpc: JsonRpc): ContractRunner {
  return {
    provider: null,
    async call({ to, data, from, blockTag }) {
      const request = { to: await to, data, ...(from ? { from: await from } : {}) };
      const tag = typeof blockTag === 'number' || typeof blockTag === 'bigint' ? toQuantity(blockTag) : 'latest';
      return String(await rpc('eth_call', [request, tag]));
    },
  };
}

/** `BlockAnchor` for view calls. */
export function blockAnchorAt(address: Address, rpc: JsonRpc): BlockAnchor {
  return new Contract(address, blockAnchorInterface, viewRunner(rpc)) as unknown as BlockAnchor;
}

/** `NodeRegistry` for view calls. */
export function nodeRegistryAt(address: Address, rpc: JsonRpc): NodeRegistry {
  return new Contract(address, registryInterface, viewRunner(rpc)) as unknown as NodeRegistry;
}

/** `ConsortiumGovernor` for view calls. */
export function consortiumGovernorAt(address: Address, rpc: JsonRpc): ConsortiumGovernor {
  return new Contract(address, governorInterface, viewRunner(rpc)) as unknown as ConsortiumGovernor;
}

/** `ResourceRegistry` for view calls. */
export function resourceRegistryAt(address: Address, rpc: JsonRpc): ResourceRegistry {
  return new Contract(address, resourcesInterface, viewRunner(rpc)) as unknown as ResourceRegistry;
}

/** `EvidenceChannels` for view calls. */
export function evidenceChannelsAt(address: Address, rpc: JsonRpc): EvidenceChannels {
  return new Contract(address, channelsInterface, viewRunner(rpc)) as unknown as EvidenceChannels;
}
