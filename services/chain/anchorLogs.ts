import { toQuantity } from 'ethers';
import type { BlockHeader } from '../core/block.ts';
import { type Address, type Hash, type Hex, toHex } from '../core/bytes.ts';
import { uintWord } from '../core/eip712.ts';
import { invalidAnswer } from '../lib/invalidAnswer.ts';
import { type JsonRpc, JsonRpcError } from '../lib/jsonRpc.ts';
import { blockAnchorInterface } from './anchorCall.ts';

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

type RawLog = {
  address: string;
  topics: string[];
  data: string;
  blockNumber: string;
  blockHash: string;
  transactionHash: string;
  removed?: boolean;
};

type Range = { readonly from: number; readonly to: number };

/** A topic that must match, one of several, or any. */
type Topic = Hex | readonly Hex[] | null;

const anchoredTopic = blockAnchorInterface.getEvent('Anchored').topicHash as Hex;
const firstPageBlocks = 10_000;
const smallestPageBlocks = 16;

/** A height as a topic. */
export function heightTopic(height: number): Hex {
  return toHex(uintWord(height));
}

/**
 * `Anchored` events of a contract within a range of chain blocks, in pages. Asks for the whole range at once, which any
 * node of one's own answers; where a provider refuses, goes on in pages that get smaller until they are answered.
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
  let { from, to } = range;
  let pageBlocks = to - from + 1;
  while (from <= to) {
    const page: Range =
      direction === 'forwards'
        ? { from, to: Math.min(to, from + pageBlocks - 1) }
        : { from: Math.max(from, to - pageBlocks + 1), to };
    let answer: unknown;
    try {
      answer = await rpc('eth_getLogs', [
        {
          address: contract,
          topics: [anchoredTopic, ...topics],
          fromBlock: toQuantity(page.from),
          toBlock: toQuantity(page.to),
        },
      ]);
    } catch (error) {
      // Each provider says "too many" in words of its own: any refusal of a page that is not small yet counts as one.
      if (!(error instanceof JsonRpcError) || pageBlocks <= smallestPageBlocks) throw error;
      pageBlocks = pageBlocks > firstPageBlocks ? firstPageBlocks : Math.ceil(pageBlocks / 2);
      continue;
    }
    yield readLogs(answer, contract);
    if (direction === 'forwards') from = page.to + 1;
    else to = page.from - 1;
  }
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

function readLogs(answer: unknown, contract: Address): AnchoredLog[] {
  if (!Array.isArray(answer)) throw invalidAnswer('logs are no array');
  return (answer as RawLog[]).filter(({ removed }) => removed !== true).map((log) => readLog(log, contract));
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
