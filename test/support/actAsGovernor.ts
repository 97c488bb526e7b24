import { registryInterface } from '../../services/chain/interfaces.ts';
import type { Address, Hex } from '../../services/core/bytes.ts';
import { jsonRpc } from '../../services/lib/jsonRpc.ts';
import { until } from './until.ts';

/** Does on Anvil what the governor of a registry would after a vote: an act of the registry by its name. */
export async function actAsGovernor(
  { rpcUrl, governor, registry }: { readonly rpcUrl: string; readonly governor: Address; readonly registry: Address },
  act: string,
  ...args: readonly unknown[]
): Promise<void> {
  const rpc = jsonRpc(rpcUrl);
  await rpc('anvil_impersonateAccount', [governor]);
  await rpc('anvil_setBalance', [governor, '0xde0b6b3a7640000']);
  const data = registryInterface.encodeFunctionData(act as 'admit', args as [Address, Hex]);
  const hash = await rpc('eth_sendTransaction', [{ from: governor, to: registry, data, gas: '0x7a1200' }]);
  const mined = async () => (await rpc('eth_getTransactionReceipt', [hash])) as { status: string } | null;
  const { status } = await until(`${act} is mined`, async () => (await mined()) ?? undefined);
  if (status !== '0x1') throw new Error(`${act}: the contract refused it`);
}
