import type { Output } from '../cli/Output.ts';
import type { Address } from '../core/bytes.ts';
import { jsonRpc } from '../lib/jsonRpc.ts';

/** Says so when an account that has to go on chain some day cannot pay for it. @throws NotariumError `chain-unreachable`. */
export async function warnOfNoCoins(output: Output, rpcUrl: string, account: Address): Promise<void> {
  const balance = BigInt(String(await jsonRpc(rpcUrl)('eth_getBalance', [account, 'latest'])));
  if (balance === 0n) output.warn(`${account} has no coins for gas: what has to go on chain in time would be missed`);
}
