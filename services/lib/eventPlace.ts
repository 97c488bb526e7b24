import { z } from 'zod';
import type { Address, Hash } from '../core/bytes.ts';
import { invalidAnswer } from './invalidAnswer.ts';
import { type JsonRpc, JsonRpcError } from './jsonRpc.ts';

const quantitySchema = z
  .string()
  .regex(/^0x[0-9a-f]{1,13}$/i)
  .transform(Number);
const logSchema = z.looseObject({ address: z.string(), topics: z.array(z.string()), data: z.string().default('0x') });
const receiptSchema = z.looseObject({ status: z.string(), blockNumber: quantitySchema, logs: z.array(logSchema) });
const eventSchema = logSchema.extend({ transactionHash: z.string(), blockNumber: quantitySchema });
const blockSchema = z.looseObject({ timestamp: quantitySchema });

/** Chain block, and its Unix time in seconds. */
export type EventPlace = { readonly blockNumber: number; readonly timestamp: number };

/** An event that is looked for: all its topics, and what its data begin with. */
export type WantedEvent = {
  readonly address: Address;
  readonly topics: readonly string[];
  readonly dataStart?: string;
};

/**
 * Where and when a transaction gave an event, by the chain itself: plain JSON-RPC and nothing but `fetch`. A node may
 * have forgotten which block an old transaction is in; then the event itself is looked for.
 * @returns Undefined when the transaction did not give it; `unknown` when the node has neither the transaction nor the event any
 *   more.
 * @throws NotariumError `chain-unreachable`, `chain-answer-invalid`.
 */
export async function eventPlace(
  rpc: JsonRpc,
  wanted: WantedEvent,
  claimed: { readonly transactionHash: Hash; readonly blockNumber: number },
): Promise<EventPlace | 'unknown' | undefined> {
  try {
    const answer = await rpc('eth_getTransactionReceipt', [claimed.transactionHash]);
    if (answer !== null) {
      const receipt = read(receiptSchema, answer, 'eth_getTransactionReceipt');
      const isThere = receipt.status === '0x1' && receipt.logs.some((log) => fits(log, wanted));
      return isThere ? await placeOf(rpc, receipt.blockNumber) : undefined;
    }
    const events = await eventsOf(rpc, wanted, claimed.blockNumber);
    if (events.length === 0) return 'unknown';
    const own = events.find((event) => event.transactionHash.toLowerCase() === claimed.transactionHash);
    return own && (await placeOf(rpc, own.blockNumber));
  } catch (cause) {
    throw cause instanceof JsonRpcError ? invalidAnswer(cause) : cause;
  }
}

/** Events at the place that is named; if none is there, on the whole chain, for the place may be made up. */
async function eventsOf(
  rpc: JsonRpc,
  wanted: WantedEvent,
  blockNumber: number,
): Promise<z.infer<typeof eventSchema>[]> {
  const { address, topics } = wanted;
  const named = `0x${blockNumber.toString(16)}`;
  for (const range of [
    { fromBlock: named, toBlock: named },
    { fromBlock: 'earliest', toBlock: 'latest' },
  ]) {
    const answer = await rpc('eth_getLogs', [{ address, topics, ...range }]).catch((error: unknown) => {
      // A range that is pruned, ahead of the node or too long for it: each says so in words of its own.
      if (error instanceof JsonRpcError) return [];
      throw error;
    });
    const events = read(z.array(eventSchema), answer, 'eth_getLogs').filter((event) => fits(event, wanted));
    if (events.length > 0) return events;
  }
  return [];
}

async function placeOf(rpc: JsonRpc, blockNumber: number): Promise<EventPlace> {
  const answer = await rpc('eth_getBlockByNumber', [`0x${blockNumber.toString(16)}`, false]);
  const { timestamp } = read(blockSchema, answer, `eth_getBlockByNumber of ${blockNumber}`);
  return { blockNumber, timestamp };
}

function fits(log: z.infer<typeof logSchema>, { address, topics, dataStart = '0x' }: WantedEvent): boolean {
  const have = log.topics.map((topic) => topic.toLowerCase());
  const isSame = log.address.toLowerCase() === address && topics.every((topic, index) => have[index] === topic);
  return isSame && log.data.toLowerCase().startsWith(dataStart);
}

function read<T>(schema: z.ZodType<T>, answer: unknown, what: string): T {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw invalidAnswer(`${[what, ...issue.path].join('.')}: ${issue.message}`);
}
