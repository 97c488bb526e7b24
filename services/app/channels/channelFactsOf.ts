import type { ChannelChain } from '../../chain/channels/ChannelChain.ts';
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

/**
 * The chain as the exchange asks it.
 * @param options.confirmations An opening counts when so many blocks are there from its own on: what a reorganisation could still
 *   remove would be worked for in vain.
 */
export function channelFactsOf(chain: ChannelChain, options: { readonly confirmations: number }): ChannelFacts {
  return {
    async opening(channelId) {
      const opening = await chain.opening(channelId);
      if (!opening) return undefined;
      const { channel, place } = opening;
      const { number } = await chain.newestBlock();
      if (number - place.blockNumber + 1 < options.confirmations) return undefined;
      return { channel, held: await chain.held(channel) };
    },
    held: (channel) => chain.held(channel),
    timestamp: async () => (await chain.newestBlock()).timestamp,
  };
}
