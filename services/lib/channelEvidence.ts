import type { ChannelNetwork } from '../core/channels/channel.ts';
import type { ChannelEvidenceAnswer, ChannelEvidenceQuery } from '../core/channels/verifyChannelReceipt.ts';
import { chainHasEvidence, chainTotalDigest } from './chainEvidence.ts';
import type { JsonRpcOptions } from './jsonRpc.ts';

/**
 * What the chain says of evidence in a channel, asked with one `eth_call` and, where the receipt names a transaction, a look at its
 * events: plain JSON-RPC and nothing but `fetch`. Runs in browsers.
 * @throws NotariumError `chain-unreachable`, `chain-answer-invalid`, `chain-mismatch`, `chain-contract-missing`.
 */
export async function channelEvidence(
  query: ChannelEvidenceQuery & { rpcUrl: string; network: ChannelNetwork } & JsonRpcOptions,
): Promise<ChannelEvidenceAnswer> {
  const { rpcUrl, network, channelId, root, settlement, digest, proof, ...options } = query;
  const place = { rpcUrl, contract: network.contract, channelId, ...options };
  const path = { root, ...proof, path: proof.path.map((node): `0x${string}` => `0x${node}`) };
  const isUnder = await chainHasEvidence({ ...place, chainId: network.chainId, digest, proof: path });
  if (!isUnder || !settlement) return { isUnder };
  const found = await chainTotalDigest({ ...place, ...settlement, root, count: proof.treeSize });
  if (found === 'unknown') return { isUnder, transaction: 'unknown' };
  return { isUnder, transaction: found?.blockNumber === settlement.blockNumber ? 'fits' : 'differs' };
}
