import { type Address, concat, fromHex, type Hash, type Hex, toHex, utf8 } from '../core/bytes.ts';
import { portableCrypto } from '../core/crypto.ts';
import { hashWord, uintWord } from '../core/eip712.ts';
import { viewWord } from './ethCall.ts';
import { type EventPlace, eventPlace } from './eventPlace.ts';
import { invalidAnswer } from './invalidAnswer.ts';
import { type JsonRpcOptions, jsonRpc } from './jsonRpc.ts';

const keccak = (text: string): Uint8Array => portableCrypto.keccak256(utf8(text));
const verifySelector = keccak('verifyEvidence(bytes32,bytes32,(bytes32,uint64,uint64,bytes32[]))').subarray(0, 4);
const topics = {
  settled: toHex(keccak('ChannelSettled(bytes32,bytes32,uint64,uint256,uint256)')),
  anchored: toHex(keccak('EvidenceAnchored(bytes32,bytes32,uint64)')),
};

/** Inclusion proof of a digest under the total digest `root` of a channel. */
export type EvidencePath = {
  readonly root: Hash;
  readonly leafIndex: number;
  readonly treeSize: number;
  /** 32 bytes each. */
  readonly path: readonly Hex[];
};

/**
 * Whether a digest is in the evidence of a channel by a total digest on chain, as `EvidenceChannels` itself checks it: one
 * `eth_call` and nothing but `fetch`. Runs in browsers.
 * @param query.contract `EvidenceChannels`.
 * @param query.chainId When given, the RPC must say that it is this chain.
 * @throws NotariumError `chain-unreachable`, `chain-answer-invalid`, `chain-mismatch`, `chain-contract-missing`.
 */
export async function chainHasEvidence(
  query: {
    readonly rpcUrl: string;
    readonly contract: Address;
    readonly chainId?: number;
    readonly channelId: Hash;
    readonly digest: Hash;
    readonly proof: EvidencePath;
  } & JsonRpcOptions,
): Promise<boolean> {
  const { rpcUrl, contract, chainId, channelId, digest, proof, ...options } = query;
  // The two offsets count from the beginning of what they are in: three words before the proof, four before its path.
  const data = concat(
    verifySelector,
    hashWord(channelId),
    hashWord(digest),
    uintWord(96),
    hashWord(proof.root),
    uintWord(proof.leafIndex),
    uintWord(proof.treeSize),
    uintWord(128),
    uintWord(proof.path.length),
    ...proof.path.map(fromHex),
  );
  const place = { contract, data: toHex(data), ...(chainId === undefined ? {} : { chainId }) };
  const answer = BigInt(await viewWord(jsonRpc(rpcUrl, options), place));
  if (answer > 1n) throw invalidAnswer('verifyEvidence gave no yes or no');
  return answer === 1n;
}

/**
 * Where and when a transaction put a total digest of a channel on chain.
 * @param query.kind With the settlement, or without closing.
 * @returns Undefined when the transaction did not; `unknown` when the node has neither the transaction nor the event any more.
 * @throws NotariumError `chain-unreachable`, `chain-answer-invalid`.
 */
export async function chainTotalDigest(
  query: {
    readonly rpcUrl: string;
    readonly contract: Address;
    readonly kind: 'settled' | 'anchored';
    readonly channelId: Hash;
    readonly root: Hash;
    readonly count: number;
    readonly transactionHash: Hash;
    readonly blockNumber: number;
  } & JsonRpcOptions,
): Promise<EventPlace | 'unknown' | undefined> {
  const { rpcUrl, contract, kind, channelId, root, count, transactionHash, blockNumber, ...options } = query;
  const wanted = { address: contract, topics: [topics[kind], channelId, root], dataStart: toHex(uintWord(count)) };
  return await eventPlace(jsonRpc(rpcUrl, options), wanted, { transactionHash, blockNumber });
}
