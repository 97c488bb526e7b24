import { type Address, type Hash, toHex, utf8 } from '../core/bytes.ts';
import { portableCrypto } from '../core/crypto.ts';
import { uintWord } from '../core/eip712.ts';
import type { AnchorPlace, AnchorQuery } from '../core/verifyReceipt.ts';
import { eventPlace } from './eventPlace.ts';
import { type JsonRpcOptions, jsonRpc } from './jsonRpc.ts';

const anchoredTopic: Hash = toHex(portableCrypto.keccak256(utf8('Anchored(uint64,bytes32,uint64,uint64,bytes32)')));

/**
 * Where and when a transaction anchored a block, by the chain itself: plain JSON-RPC and nothing but `fetch`. A node may
 * have forgotten which block an old transaction is in; then the event of the anchor is looked for.
 * @returns Undefined when the transaction did not anchor this block hash at this height; `unknown` when the node has
 *   neither the transaction nor the event any more.
 * @throws NotariumError `chain-unreachable`, `chain-answer-invalid`.
 */
export async function chainAnchor(
  query: AnchorQuery & { rpcUrl: string; contract: Address } & JsonRpcOptions,
): Promise<AnchorPlace | 'unknown' | undefined> {
  const { rpcUrl, contract, height, blockHash, transactionHash, blockNumber, ...options } = query;
  const topics = [anchoredTopic, toHex(uintWord(height)), blockHash];
  return await eventPlace(jsonRpc(rpcUrl, options), { address: contract, topics }, { transactionHash, blockNumber });
}
