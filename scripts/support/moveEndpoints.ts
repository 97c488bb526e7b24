import { nodeRegistryAt } from '../../services/chain/contracts.ts';
import type { Address } from '../../services/core/bytes.ts';
import { jsonRpc } from '../../services/lib/jsonRpc.ts';

/** A centre that may have another URL than at the last start. */
export type Moved = { readonly address: Address; readonly endpoint: string };

/**
 * Centres find one another by their endpoints in the registry, and each may change its own. On a chain of anvil, the only
 * local one that outlives its ports, they need no keys for that.
 */
export async function moveEndpoints(
  rpcUrl: string,
  registryAddress: Address,
  centres: readonly Moved[],
): Promise<void> {
  const rpc = jsonRpc(rpcUrl);
  const registry = nodeRegistryAt(registryAddress, rpc);
  for (const { address, endpoint } of centres) {
    if ((await registry.node(address)).endpoint === endpoint) continue;
    const data = registry.interface.encodeFunctionData('setEndpoint', [endpoint]);
    await rpc('anvil_impersonateAccount', [address]);
    await rpc('eth_sendTransaction', [{ from: address, to: registryAddress, data }]);
    await rpc('anvil_stopImpersonatingAccount', [address]);
  }
}
