import { toQuantity } from 'ethers';
import type { Hash } from '../core/bytes.ts';
import { invalidAnswer } from '../lib/invalidAnswer.ts';
import type { JsonRpc } from '../lib/jsonRpc.ts';
import type { ChainBlock } from './Governance.ts';

type RawBlock = { number: string; hash: Hash; timestamp: string };

/** The newest block. */
export async function newestBlock(rpc: JsonRpc): Promise<ChainBlock> {
  const block = await blockOf(rpc, 'latest');
  if (!block) throw invalidAnswer('no newest block');
  return block;
}

/** The block at a number now; undefined beyond the newest. */
export function blockAt(rpc: JsonRpc, blockNumber: number): Promise<ChainBlock | undefined> {
  return blockOf(rpc, toQuantity(blockNumber));
}

async function blockOf(rpc: JsonRpc, which: string): Promise<ChainBlock | undefined> {
  const raw = (await rpc('eth_getBlockByNumber', [which, false])) as RawBlock | null;
  return raw ? { number: Number(raw.number), hash: raw.hash, timestamp: Number(raw.timestamp) } : undefined;
}
