import { toQuantity } from 'ethers';
import type { BlockHeader } from '../core/block.ts';
import { type Address, type Hash, type Hex, toHex } from '../core/bytes.ts';
import { uintWord } from '../core/eip712.ts';
import { invalidAnswer } from '../lib/invalidAnswer.ts';
import type { JsonRpc } from '../lib/jsonRpc.ts';
import { blockAnchorInterface } from './interfaces.ts';
import { logPages, type Range, type RawLog, type Topic } from './logPages.ts';

/** An `Anchored` event and the place of its transaction. */
export type AnchoredLog = {
  readonly height: number;
  readonly blockHash: Hash;
  readonly header: Pick<BlockHeader, 'slot' | 'treeSize' | 'root'>;
  readonly transactionHash: Hash;
  readonly blockNumber: number;
  /** Hash of the chain's block, not of ours. */
  readonly chainBlockHash: Hash;
};

const anchoredTopic = blockAnchorInterface.getEvent('Anchored').topicHash as Hex;

/** A height as a topic. */
export function heightTopic(height: number): Hex {
  return toHex(uintWord(height));
}

/**
 * `Anchored` events of a contract within a range of chain blocks, in pages; see {@link logPages}.
 * @param topics The event's indexed height and block hash.
 * @param direction `backwards` starts with the newest page; within a page the order is always the chain's.
 * @throws NotariumError `chain-answer-invalid`, `chain-unreachable`.
 */
export async function* anchoredLogs(
  rpc: JsonRpc,
  contract: Address,
  topics: readonly [Topic, Topic],
  range: Range,
  direction: 'forwards' | 'backwards' = 'forwards',
): AsyncGenerator<AnchoredLog[], void, void> {
  const filter = { address: contract, topics: [anchoredTopic, ...topics] };
  for await (const page of logPages(rpc, filter, range, direction)) yield page.map((log) => readLog(log, contract));
}

/**
 * The chain blocks with times in a span of Unix seconds, found by halving; ends of the chain where the span goes beyond.
 */
export async function blocksBetween(rpc: JsonRpc, chain: Range, span: Range): Promise<Range> {
  const firstAtOrAfter = async (seconds: number): Promise<number> => {
    let low = chain.from;
    let high = chain.to;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((await chainBlockTime(rpc, middle)) < seconds) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return { from: await firstAtOrAfter(span.from), to: await firstAtOrAfter(span.to + 1) };
}

/** Unix seconds of a chain block by its number. */
export async function chainBlockTime(rpc: JsonRpc, blockNumber: number): Promise<number> {
  const block = (await rpc('eth_getBlockByNumber', [toQuantity(blockNumber), false])) as { timestamp: string } | null;
  if (!block) throw invalidAnswer(`no block ${blockNumber} below the newest`);
  return Number(block.timestamp);
}

function readLog(log: RawLog, contract: Address): AnchoredLog {
  if (log.address.toLowerCase() !== contract || log.topics[0] !== anchoredTopic) {
    throw invalidAnswer('a log that was not asked for');
  }
  const { args } = blockAnchorInterface.parseLog(log)!;
  return {
    height: Number(args.height),
    blockHash: args.blockHash,
    header: {
      slot: Number(args.slot),
      treeSize: Number(args.treeSize),
      root: args.root,
    },
    transactionHash: log.transactionHash as Hash,
    blockNumber: Number(log.blockNumber),
    chainBlockHash: log.blockHash as Hash,
  };
}
