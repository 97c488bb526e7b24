import { concat, fromHex, type Hex, toHex, utf8 } from '../core/bytes.ts';
import type { ChannelNetwork } from '../core/channels/channel.ts';
import type { ChannelEvidenceAnswer, ChannelEvidenceQuery } from '../core/channels/verifyChannelReceipt.ts';
import { portableCrypto } from '../core/crypto.ts';
import { hashWord, uintWord } from '../core/eip712.ts';
import { blockOfEvent } from './chainAnchor.ts';
import { ethCallWord } from './ethCall.ts';
import { invalidAnswer } from './invalidAnswer.ts';
import { JsonRpcError, type JsonRpcOptions, jsonRpc } from './jsonRpc.ts';

const keccak = (text: string): Uint8Array => portableCrypto.keccak256(utf8(text));

const selector = keccak('verifyEvidence(bytes32,bytes32,(bytes32,uint64,uint64,bytes32[]))').subarray(0, 4);
const topicOf = {
  settled: toHex(keccak('ChannelSettled(bytes32,bytes32,uint64,uint256,uint256)')),
  anchored: toHex(keccak('EvidenceAnchored(bytes32,bytes32,uint64)')),
};

/**
 * What the chain says of evidence in a channel, asked with one `eth_call` and, where the receipt names a transaction, a look at its
 * events: plain JSON-RPC and nothing but `fetch`. Runs in browsers.
 * @throws NotariumError `chain-unreachable`, `chain-answer-invalid`, `chain-mismatch`, `chain-contract-missing`.
 */
export async function channelEvidence(
  query: ChannelEvidenceQuery & { rpcUrl: string; network: ChannelNetwork } & JsonRpcOptions,
): Promise<ChannelEvidenceAnswer> {
  const { rpcUrl, network, channelId, root, settlement, digest, proof, ...options } = query;
  const { contract, chainId } = network;
  const data = verifyEvidenceCall({ channelId, digest, proof, root });
  const isUnder = BigInt(await ethCallWord({ rpcUrl, contract, chainId, data, ...options })) === 1n;
  if (!isUnder || !settlement) return { isUnder };
  const { kind, transactionHash, blockNumber } = settlement;
  try {
    const rpc = jsonRpc(rpcUrl, options);
    const found = await blockOfEvent(rpc, transactionHash, {
      address: contract,
      topics: [topicOf[kind], channelId, root],
    });
    if (found === 'unknown') return { isUnder, transaction: 'unknown' };
    return { isUnder, transaction: found === blockNumber ? 'fits' : 'differs' };
  } catch (cause) {
    throw cause instanceof JsonRpcError ? invalidAnswer(cause) : cause;
  }
}

/** The call of `verifyEvidence`, ABI-encoded: places of what has no fixed size come first. */
function verifyEvidenceCall({ channelId, digest, proof, root }: ChannelEvidenceQuery): Hex {
  return toHex(
    concat(
      selector,
      hashWord(channelId),
      hashWord(digest),
      uintWord(3 * 32),
      hashWord(root),
      uintWord(proof.leafIndex),
      uintWord(proof.treeSize),
      uintWord(4 * 32),
      uintWord(proof.path.length),
      ...proof.path.map(fromHex),
    ),
  );
}
