import type { Hash, Hex } from '../../core/bytes.ts';
import { invalidAnswer } from '../../lib/invalidAnswer.ts';
import { eventPlaces } from '../eventPlaces.ts';
import { channelsInterface } from '../interfaces.ts';
import { logPages, type RawLog, type Topic } from '../logPages.ts';
import type { ChannelEvent, ChannelEventOf } from './ChannelEvent.ts';
import type { ChannelSource } from './ChannelSource.ts';
import { parseEvent } from './parseEvent.ts';

type Source = Pick<ChannelSource, 'rpc' | 'network' | 'fromBlock'>;

const topicOf = (name: Parameters<typeof channelsInterface.getEvent>[0]): Hex =>
  channelsInterface.getEvent(name).topicHash as Hex;
const topics: readonly Hex[] = (
  [
    'ChannelOpened',
    'ChannelDeposited',
    'ChannelClosing',
    'ChannelSettled',
    'EvidenceAnchored',
    'KeyRevealed',
    'Credited',
    'Withdrawn',
  ] as const
).map(topicOf);
const topicByType = {
  opened: topicOf('ChannelOpened'),
  closing: topicOf('ChannelClosing'),
  settled: topicOf('ChannelSettled'),
} as const;

/** See ChannelChain.events. */
export async function readEvents(source: Source, fromBlock: number, toBlock: number): Promise<ChannelEvent[]> {
  const logs: RawLog[] = [];
  for await (const page of pagesOf(source, [topics], { from: fromBlock, to: toBlock })) logs.push(...page);
  return eventsOf(source, logs);
}

/** The last event of a type about a channel. */
export async function lastEvent<T extends keyof typeof topicByType>(
  source: Source,
  type: T,
  channelId: Hash,
): Promise<ChannelEventOf<T> | undefined> {
  const range = { from: source.fromBlock, to: Number(await source.rpc('eth_blockNumber', [])) };
  for await (const page of pagesOf(source, [topicByType[type], channelId], range, 'backwards')) {
    const last = page.at(-1);
    if (last) return (await eventsOf(source, [last]))[0] as ChannelEventOf<T>;
  }
  return undefined;
}

function pagesOf(
  { rpc, network }: Source,
  wanted: readonly Topic[],
  range: { from: number; to: number },
  direction: 'forwards' | 'backwards' = 'forwards',
): AsyncGenerator<RawLog[], void, void> {
  return logPages(rpc, { address: network.contract, topics: wanted }, range, direction);
}

async function eventsOf({ rpc, network }: Source, logs: readonly RawLog[]): Promise<ChannelEvent[]> {
  const places = await eventPlaces(rpc, logs);
  return logs.map((log, index) => {
    if (log.address.toLowerCase() !== network.contract) throw invalidAnswer('a log that was not asked for');
    return { place: places[index]!, ...parseEvent(log) } as ChannelEvent;
  });
}
