import type { ChannelChain } from '../../chain/channels/ChannelChain.ts';
import type { ChannelFacts } from './ChannelFacts.ts';
import { channelFactsOf } from './channelFactsOf.ts';

/** How long a time of the chain is believed: the exchange asks for it with every step. */
const believedMs = 1_000;

/**
 * What the exchange must know of the chain; its time is asked for once a second.
 * @param confirmations An opening counts when so many blocks are there from its own on.
 */
export function chainFacts(chain: ChannelChain, confirmations: number): ChannelFacts {
  const facts = channelFactsOf(chain, { confirmations });
  let asked: Promise<number> | undefined;
  let askedAtMs = 0;
  return {
    ...facts,
    timestamp() {
      const nowMs = performance.now();
      if (!asked || nowMs - askedAtMs > believedMs) {
        askedAtMs = nowMs;
        const asking = facts.timestamp();
        asking.catch(() => {
          if (asked === asking) asked = undefined;
        });
        asked = asking;
      }
      return asked;
    },
  };
}
