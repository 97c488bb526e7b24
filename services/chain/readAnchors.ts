import { type BlockHeader, type BlockSignature, blockHash, checkBlockSignatures, zeroHash } from '../core/block.ts';
import type { Hash, Hex } from '../core/bytes.ts';
import { type Committee, publisherOf } from '../core/committee.ts';
import type { Crypto } from '../core/crypto.ts';
import { isNotariumError, type NotariumError } from '../core/errors.ts';
import { invalidAnswer } from '../lib/invalidAnswer.ts';
import type { JsonRpc } from '../lib/jsonRpc.ts';
import { type AnchorCall, callSignatures, findAnchorCalls } from './anchorCall.ts';
import { type AnchoredLog, anchoredLogs, blocksBetween, chainBlockTime, heightTopic } from './anchorLogs.ts';
import type { AnchoredBlock, ChainInfo, FoundAnchor } from './Chain.ts';

/** What the readers of anchors need of a chain. */
export type AnchorSource = {
  readonly rpc: JsonRpc;
  readonly info: ChainInfo;
  /** First chain block in which there can be an anchor. */
  readonly fromBlock: number;
  readonly storedHash: (height: number) => Promise<Hash | undefined>;
  /** Of an epoch, or the current one. */
  readonly committee: (epoch?: number) => Promise<Committee>;
  readonly newestBlock: () => Promise<number>;
  readonly crypto: Crypto;
};

// Heights looked for in one query; providers take up to a thousand values of a topic.
const batchHeights = 256;
const readsAtOnce = 8;

/** See Chain.findAnchor. */
export async function findAnchor(
  source: AnchorSource,
  height: number,
  hash: Hash,
  hint: { slot?: number } = {},
): Promise<FoundAnchor | undefined> {
  if ((await source.storedHash(height)) !== hash) return undefined;
  const newest = await source.newestBlock();
  const whole = { from: Math.min(source.fromBlock, newest), to: newest };
  // A chain of one's own is asked as a whole; on a great one, the block's slot says where to look.
  const narrow = hint.slot !== undefined && whole.to - whole.from > 100_000;
  const range = narrow ? await blocksBetween(source.rpc, whole, slotSpan(source.info, hint.slot!)) : whole;
  const topics = [heightTopic(height), hash] as const;
  for await (const page of anchoredLogs(source.rpc, source.info.contract, topics, range, 'backwards')) {
    const log = page.find((found) => found.height === height && found.blockHash === hash);
    if (log) return placeOf(source, log);
  }
  if ((await source.storedHash(height)) !== hash) return undefined;
  throw eventMissing(height);
}

/** See Chain.anchoredBlocks. */
export async function* anchoredBlocks(
  source: AnchorSource,
  fromHeight: number,
  toHeight: number,
): AsyncGenerator<AnchoredBlock, void, void> {
  let parent = fromHeight <= 1 ? zeroHash : await source.storedHash(fromHeight - 1);
  if (parent === undefined) return;
  let fromBlock = source.fromBlock;
  for (let first = Math.max(1, fromHeight); first <= toHeight; first += batchHeights) {
    const last = Math.min(toHeight, first + batchHeights - 1);
    const logs = await logsOfHeights(source, first, last, fromBlock);
    for (let start = 0; start < logs.length; start += readsAtOnce) {
      const some = logs.slice(start, start + readsAtOnce);
      const parents = [parent, ...some.slice(0, -1).map((log) => log.blockHash)];
      yield* await Promise.all(some.map((log, index) => readBlock(source, log, parents[index]!)));
      parent = some.at(-1)!.blockHash;
    }
    const newest = logs.at(-1);
    // The hashes form a chain, so the contract vouches for all by the last one.
    if (newest && (await source.storedHash(newest.height)) !== newest.blockHash) {
      throw invalidAnswer(`block ${newest.height} of the events is not the contract's`);
    }
    if (logs.length <= last - first) {
      await requireEnd(source, first + logs.length);
      return;
    }
    fromBlock = newest?.blockNumber ?? fromBlock;
  }
}

/** Whoever rebuilds from the blocks takes the last one for the newest: a node that lost events must not end them early. */
async function requireEnd(source: AnchorSource, height: number): Promise<void> {
  if ((await source.storedHash(height)) !== undefined) throw eventMissing(height);
}

function eventMissing(height: number): NotariumError {
  return invalidAnswer(`the contract holds block ${height}, but there is no event of it`);
}

async function logsOfHeights(
  source: AnchorSource,
  first: number,
  last: number,
  fromBlock: number,
): Promise<AnchoredLog[]> {
  const heights = Array.from({ length: last - first + 1 }, (_, index) => heightTopic(first + index));
  const logs: AnchoredLog[] = [];
  const range = { from: fromBlock, to: await source.newestBlock() };
  for await (const page of anchoredLogs(source.rpc, source.info.contract, [heights, null], range)) {
    logs.push(...page);
    if (logs.length >= heights.length) break;
  }
  // The contract takes heights in order only.
  logs.forEach((log, index) => {
    if (log.height !== first + index) throw invalidAnswer(`block ${log.height} where ${first + index} should be`);
  });
  return logs;
}

async function readBlock(source: AnchorSource, log: AnchoredLog, parent: Hash): Promise<AnchoredBlock> {
  const { network } = source.info;
  const transaction = (await source.rpc('eth_getTransactionByHash', [log.transactionHash])) as { input: Hex } | null;
  if (!transaction) throw invalidAnswer(`no transaction ${log.transactionHash}`);
  const calls = findAnchorCalls(transaction.input, network, log.blockHash, {
    height: log.height,
    ...log.header,
    parent,
  });
  const header = calls[0]?.header ?? (await headerOfEvent(source, log, parent));
  const signatures = calls.length > 0 ? rightSignatures(source, calls, await source.committee(header.epoch)) : [];
  return { header, blockHash: log.blockHash, signatures, anchor: await placeOf(source, log) };
}

/** Signatures of the first call that can have anchored its block: the contract took a quorum, and no wrong signature. */
function rightSignatures(
  { info, crypto }: AnchorSource,
  calls: readonly AnchorCall[],
  committee: Committee,
): BlockSignature[] {
  for (const call of calls) {
    try {
      const signatures = callSignatures(call, committee) ?? [];
      checkBlockSignatures(info.network, call.header, signatures, committee, crypto);
      return signatures;
    } catch (error) {
      if (!isNotariumError(error)) throw error;
    }
  }
  return [];
}

// The event leaves out epoch and publisher, but the right ones alone give the header its hash.
async function headerOfEvent(source: AnchorSource, log: AnchoredLog, parent: Hash): Promise<BlockHeader> {
  for (let { epoch } = await source.committee(); epoch >= 1; epoch--) {
    const publisher = publisherOf(await source.committee(epoch), log.header.slot);
    const header: BlockHeader = { height: log.height, ...log.header, parent, epoch, publisher };
    if (blockHash(source.info.network, header) === log.blockHash) return header;
  }
  throw invalidAnswer(`the event of block ${log.height} does not have its hash`);
}

async function placeOf(source: AnchorSource, log: AnchoredLog): Promise<FoundAnchor> {
  const timestamp = await chainBlockTime(source.rpc, log.blockNumber);
  // Read after the event: counted before, an event could be in a block that is newer than the newest.
  const newest = await source.newestBlock();
  return {
    chainId: source.info.chainId,
    contract: source.info.contract,
    transactionHash: log.transactionHash,
    blockNumber: log.blockNumber,
    timestamp,
    confirmations: Math.max(1, newest - log.blockNumber + 1),
  };
}

function slotSpan({ periodSeconds, graceSeconds }: ChainInfo, slot: number): { from: number; to: number } {
  return { from: slot * periodSeconds, to: (slot + 1) * periodSeconds + graceSeconds };
}
