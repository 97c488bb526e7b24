import { z } from 'zod';
import { type Address, type Hash, toHex, utf8 } from '../core/bytes.ts';
import { portableCrypto } from '../core/crypto.ts';
import { uintWord } from '../core/eip712.ts';
import type { AnchorPlace, AnchorQuery } from '../core/verifyReceipt.ts';
import { invalidAnswer } from './invalidAnswer.ts';
import { type JsonRpc, JsonRpcError, type JsonRpcOptions, jsonRpc } from './jsonRpc.ts';

const anchoredTopic: Hash = toHex(portableCrypto.keccak256(utf8('Anchored(uint64,bytes32,uint64,uint64,bytes32)')));

const quantitySchema = z
  .string()
  .regex(/^0x[0-9a-f]{1,13}$/i)
  .transform(Number);
const logSchema = z.looseObject({ address: z.string(), topics: z.array(z.string()) });
const receiptSchema = z.looseObject({ status: z.string(), blockNumber: quantitySchema, logs: z.array(logSchema) });
const eventSchema = logSchema.extend({ transactionHash: z.string(), blockNumber: quantitySchema });
const blockSchema = z.looseObject({ timestamp: quantitySchema });

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
  const rpc = jsonRpc(rpcUrl, options);
  const filter = { address: contract, topics: [anchoredTopic, toHex(uintWord(height)), blockHash] };
  try {
    const blockOfIt = await blockOfEvent(rpc, transactionHash, filter);
    if (blockOfIt !== 'unknown') return blockOfIt === undefined ? undefined : await placeOf(rpc, blockOfIt);
    const events = await eventsOf(rpc, filter, blockNumber);
    if (events.length === 0) return 'unknown';
    const own = events.find((event) => event.transactionHash.toLowerCase() === transactionHash);
    return own && (await placeOf(rpc, own.blockNumber));
  } catch (cause) {
    throw cause instanceof JsonRpcError ? invalidAnswer(cause) : cause;
  }
}

/** An event of a contract, by its first topics. */
export type EventFilter = { readonly address: Address; readonly topics: readonly string[] };

/**
 * Block of a transaction that had the event; undefined when it had not, `unknown` when the node does not know the transaction.
 * @throws NotariumError `chain-unreachable`, `chain-answer-invalid`; JsonRpcError.
 */
export async function blockOfEvent(
  rpc: JsonRpc,
  transactionHash: Hash,
  filter: EventFilter,
): Promise<number | 'unknown' | undefined> {
  const answer = await rpc('eth_getTransactionReceipt', [transactionHash]);
  if (answer === null) return 'unknown';
  const receipt = read(receiptSchema, answer, 'eth_getTransactionReceipt');
  const hasIt = receipt.status === '0x1' && receipt.logs.some((log) => fits(log, filter));
  return hasIt ? receipt.blockNumber : undefined;
}

/** Events at the place that the receipt names; if none is there, on the whole chain, for the place may be made up. */
async function eventsOf(
  rpc: JsonRpc,
  filter: EventFilter,
  blockNumber: number,
): Promise<z.infer<typeof eventSchema>[]> {
  const named = `0x${blockNumber.toString(16)}`;
  for (const range of [
    { fromBlock: named, toBlock: named },
    { fromBlock: 'earliest', toBlock: 'latest' },
  ]) {
    const answer = await rpc('eth_getLogs', [{ ...filter, ...range }]).catch((error: unknown) => {
      // A range that is pruned, ahead of the node or too long for it: each says so in words of its own.
      if (error instanceof JsonRpcError) return [];
      throw error;
    });
    const events = read(z.array(eventSchema), answer, 'eth_getLogs').filter((event) => fits(event, filter));
    if (events.length > 0) return events;
  }
  return [];
}

async function placeOf(rpc: JsonRpc, blockNumber: number): Promise<AnchorPlace> {
  const answer = await rpc('eth_getBlockByNumber', [`0x${blockNumber.toString(16)}`, false]);
  const { timestamp } = read(blockSchema, answer, `eth_getBlockByNumber of ${blockNumber}`);
  return { blockNumber, timestamp };
}

function fits(log: z.infer<typeof logSchema>, { address, topics }: EventFilter): boolean {
  const have = log.topics.map((topic) => topic.toLowerCase());
  return log.address.toLowerCase() === address && topics.every((topic, index) => have[index] === topic);
}

function read<T>(schema: z.ZodType<T>, answer: unknown, what: string): T {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw invalidAnswer(`${[what, ...issue.path].join('.')}: ${issue.message}`);
}
