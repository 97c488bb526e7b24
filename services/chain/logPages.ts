import { toQuantity } from 'ethers';
import type { Address, Hex } from '../core/bytes.ts';
import { invalidAnswer } from '../lib/invalidAnswer.ts';
import { type JsonRpc, JsonRpcError } from '../lib/jsonRpc.ts';

/** An event as the RPC gives it. */
export type RawLog = {
  address: string;
  topics: string[];
  data: string;
  blockNumber: string;
  blockHash: string;
  transactionHash: string;
  logIndex: string;
  removed?: boolean;
};

/** Chain blocks, both included. */
export type Range = { readonly from: number; readonly to: number };

/** A topic that must match, one of several, or any. */
export type Topic = Hex | readonly Hex[] | null;

const firstPageBlocks = 10_000;
const smallestPageBlocks = 16;

/**
 * Events of contracts within a range of chain blocks, in pages. Asks for the whole range at once, which any node of one's own
 * answers; where a provider refuses, goes on in pages that get smaller until they are answered.
 * @param direction `backwards` starts with the newest page; within a page the order is always the chain's.
 * @throws NotariumError `chain-answer-invalid`, `chain-unreachable`.
 */
export async function* logPages(
  rpc: JsonRpc,
  filter: { readonly address: Address | readonly Address[]; readonly topics?: readonly Topic[] },
  range: Range,
  direction: 'forwards' | 'backwards' = 'forwards',
): AsyncGenerator<RawLog[], void, void> {
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
        { ...filter, fromBlock: toQuantity(page.from), toBlock: toQuantity(page.to) },
      ]);
    } catch (error) {
      // Each provider says "too many" in words of its own: any refusal of a page that is not small yet counts as one.
      if (!(error instanceof JsonRpcError) || pageBlocks <= smallestPageBlocks) throw error;
      pageBlocks = pageBlocks > firstPageBlocks ? firstPageBlocks : Math.ceil(pageBlocks / 2);
      continue;
    }
    if (!Array.isArray(answer)) throw invalidAnswer('logs are no array');
    yield (answer as RawLog[]).filter(({ removed }) => removed !== true);
    if (direction === 'forwards') from = page.to + 1;
    else to = page.from - 1;
  }
}
