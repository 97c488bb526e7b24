import { isError, ZeroAddress } from 'ethers';
import type { NodeRegistry } from '../../../types/ethers-contracts/index.ts';
import type { Address } from '../../core/bytes.ts';
import { type JsonRpc, JsonRpcError } from '../../lib/jsonRpc.ts';
import { isRevert } from '../../lib/revertData.ts';
import { consortiumGovernorAt } from '../contracts.ts';
import type { GovernanceContracts } from './GovernanceSource.ts';

/**
 * The governor that the registry names, and its registry of resource sets; undefined where there is none yet, or where somebody
 * else governs: a plain account, or another contract.
 */
export async function findGovernance(
  rpc: JsonRpc,
  registry: Address,
  nodes: NodeRegistry,
): Promise<GovernanceContracts | undefined> {
  const governor = (await nodes.governor()).toLowerCase() as Address;
  if (governor === ZeroAddress) return undefined;
  const contract = consortiumGovernorAt(governor, rpc);
  try {
    const { name, version } = await contract.eip712Domain();
    if (name !== 'Notarium' || version !== '1') return undefined;
    return { registry, governor, resources: (await contract.resources()).toLowerCase() as Address };
  } catch (error) {
    // An address without code answers nothing; a contract that does not know the question reverts.
    if (isError(error, 'BAD_DATA') || (error instanceof JsonRpcError && isRevert(error))) return undefined;
    throw error;
  }
}
