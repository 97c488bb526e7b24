import { type Address, type Hash, toHex, utf8 } from '../core/bytes.ts';
import { portableCrypto } from '../core/crypto.ts';
import { uintWord } from '../core/eip712.ts';
import { NotariumError } from '../core/errors.ts';
import type { AnchorQuery } from '../core/verifyReceipt.ts';
import { JsonRpcError, type JsonRpcOptions, jsonRpc } from './jsonRpc.ts';

const anchoredTopic: Hash = toHex(portableCrypto.keccak256(utf8('Anchored(uint64,bytes32,uint64,uint64,bytes32)')));

type Log = { readonly address: string; readonly topics: readonly string[] };
type TransactionReceipt = { readonly status: string; readonly blockNumber: string; readonly logs: readonly Log[] };

/**
 * Where and when a transaction anchored a block, by the chain itself: plain JSON-RPC and nothing but `fetch`.
 * @returns Undefined when the chain has no such transaction, or it did not anchor this block hash at this height.
 * @throws NotariumError `chain-unreachable`.
 */
export async function chainAnchor(
  query: AnchorQuery & { rpcUrl: string; contract: Address } & JsonRpcOptions,
): Promise<{ blockNumber: number; timestamp: number } | undefined> {
  const { rpcUrl, contract, height, blockHash, transactionHash, ...options } = query;
  const rpc = jsonRpc(rpcUrl, options);
  try {
    const receipt = (await rpc('eth_getTransactionReceipt', [transactionHash])) as TransactionReceipt | null;
    const topics = [anchoredTopic, toHex(uintWord(height)), blockHash];
    const anchors = ({ address, topics: have }: Log): boolean =>
      address.toLowerCase() === contract && topics.every((topic, index) => have[index]?.toLowerCase() === topic);
    if (receipt?.status !== '0x1' || !receipt.logs.some(anchors)) return undefined;
    const block = (await rpc('eth_getBlockByNumber', [receipt.blockNumber, false])) as { timestamp: string } | null;
    return block ? { blockNumber: Number(receipt.blockNumber), timestamp: Number(block.timestamp) } : undefined;
  } catch (cause) {
    if (!(cause instanceof JsonRpcError)) throw cause;
    throw new NotariumError('chain-unreachable', cause.message, { cause });
  }
}
