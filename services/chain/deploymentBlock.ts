import { toQuantity } from 'ethers';
import type { Address } from '../core/bytes.ts';
import { type JsonRpc, JsonRpcError } from '../lib/jsonRpc.ts';

/**
 * The first block whose state has code at an address, which has some now. Some twenty questions, however long the chain is.
 * Undefined where the node has forgotten the states of old blocks and says so; one that does not say so gives a later block.
 * @param fromBlock Nothing was there before it.
 */
export async function deploymentBlock(rpc: JsonRpc, contract: Address, fromBlock: number): Promise<number | undefined> {
  let without = fromBlock - 1;
  let withCode = Number(await rpc('eth_blockNumber', []));
  try {
    while (withCode - without > 1) {
      const middle = Math.floor((without + withCode) / 2);
      if ((await rpc('eth_getCode', [contract, toQuantity(middle)])) !== '0x') withCode = middle;
      else without = middle;
    }
  } catch (error) {
    if (!(error instanceof JsonRpcError)) throw error;
    return undefined;
  }
  return withCode;
}
