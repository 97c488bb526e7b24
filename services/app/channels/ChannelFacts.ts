import type { Hash } from '../../core/bytes.ts';
import type { Channel } from '../../core/channels/channel.ts';

/** What the exchange must know of the chain; the duties there are the settlement's. */
export type ChannelFacts = {
  /** How a channel was opened, and what it holds; undefined when the chain has no such channel, or not deep enough yet. */
  opening(channelId: Hash): Promise<{ readonly channel: Channel; readonly held: bigint } | undefined>;
  /** What it holds now. */
  held(channel: Channel): Promise<bigint>;
  /** Time of the newest block, Unix seconds. */
  timestamp(): Promise<number>;
};

/** Told when a channel has to be looked at on chain: to close it, to make keys public, to answer an old state. */
export type Touch = (channelId: Hash) => void;
