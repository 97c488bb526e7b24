import type { ChannelChain } from '../../chain/channels/ChannelChain.ts';
import type { ChannelEvent as ChainEvent } from '../../chain/channels/ChannelEvent.ts';
import type { ChannelEvent } from '../../core/channels/party.ts';
import type { ChannelFacts } from './ChannelFacts.ts';

/** How long a time of the chain is believed: the exchange asks for it with every step. */
const believedMs = 1_000;

/**
 * What the exchange must know of the chain.
 * @param confirmations An opening counts when so many blocks are there from its own on.
 */
export function chainFacts(chain: ChannelChain, confirmations: number): ChannelFacts {
  let asked: Promise<number> | undefined;
  let askedAtMs = 0;
  return {
    async opening(channelId) {
      const opened = await chain.opening(channelId);
      if (!opened) return undefined;
      const { number } = await chain.newestBlock();
      if (number - opened.place.blockNumber + 1 < confirmations) return undefined;
      return { channel: opened.channel, held: await chain.held(opened.channel) };
    },
    held: (channel) => chain.held(channel),
    timestamp() {
      const nowMs = performance.now();
      if (!asked || nowMs - askedAtMs > believedMs) {
        askedAtMs = nowMs;
        const asking = chain.newestBlock().then(({ timestamp }) => timestamp);
        asking.catch(() => {
          if (asked === asking) asked = undefined;
        });
        asked = asking;
      }
      return asked;
    },
  };
}

/** An event of the chain as the two sides of a channel take it; undefined for one that changes nothing for them. */
export function exchangeEvent(event: ChainEvent): ChannelEvent | undefined {
  switch (event.type) {
    case 'deposited':
      return { kind: 'deposited', channelId: event.channelId, held: event.held };
    case 'closing':
      return { kind: 'closing', channelId: event.channelId, version: event.state.version, deadline: event.deadline };
    case 'settled':
      return { kind: 'settled', channelId: event.channelId, evidenceCount: event.evidenceCount };
    case 'revealed':
      return { kind: 'revealed', keyHash: event.keyHash, key: event.key, at: event.place.timestamp };
    default:
      return undefined;
  }
}
