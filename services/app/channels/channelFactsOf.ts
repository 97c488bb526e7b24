import type { ChannelChain } from '../../chain/channels/ChannelChain.ts';
import type { ChannelFacts } from './ChannelFacts.ts';

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
