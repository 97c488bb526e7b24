import { toQuantity } from 'ethers';
import { JsonRpcError } from '../../lib/jsonRpc.ts';
import type { GovernanceSource } from './GovernanceSource.ts';
import { readEvents } from './readEvents.ts';

/** See Governance.firstBlock. Some twenty questions, however long the chain is. */
export async function firstBlock(source: GovernanceSource): Promise<number> {
  const { rpc, contracts, fromBlock } = source;
  const hasCode = async (blockNumber: number): Promise<boolean> =>
    (await rpc('eth_getCode', [contracts.governor, toQuantity(blockNumber)])) !== '0x';
  let without = fromBlock - 1;
  let withCode = Number(await rpc('eth_blockNumber', []));
  try {
    while (withCode - without > 1) {
      const middle = Math.floor((without + withCode) / 2);
      if (await hasCode(middle)) withCode = middle;
      else without = middle;
    }
  } catch (error) {
    if (!(error instanceof JsonRpcError)) throw error;
    return fromBlock;
  }
  // A node that has forgotten a state may answer as if nothing had been there.
  const events = await readEvents(source, withCode, withCode);
  return events.some(({ type }) => type === 'rule.set') ? withCode : fromBlock;
}
