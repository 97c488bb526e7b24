import type { ChannelChain } from '../../chain/channels/ChannelChain.ts';
import type { ChannelEvent } from '../../chain/channels/ChannelEvent.ts';
import { ChannelEvents, type ChannelNews } from '../../chain/channels/ChannelEvents.ts';
import type { Hash } from '../../core/bytes.ts';
import type { SettlementSide } from './SettlementSide.ts';

/**
 * Told of each channel of the side's: of all when it begins, and of those to which something has happened.
 * @param event What that was; undefined at the beginning.
 * @param isGone A reorganisation has taken it away.
 */
type OnChannel = (channelId: Hash, event?: ChannelEvent, isGone?: boolean) => void;

/** Tells a side what happens to its channels on chain, at least once each and in order, from where it was told last. */
export class ChainFollower {
  readonly #chain: ChannelChain;
  readonly #side: SettlementSide;
  readonly #onChannel: OnChannel;
  #events: ChannelEvents | undefined;
  #untold: ChannelNews | undefined;
  #block = { number: 0, timestamp: 0 };

  constructor(chain: ChannelChain, side: SettlementSide, onChannel: OnChannel) {
    this.#chain = chain;
    this.#side = side;
    this.#onChannel = onChannel;
  }

  /** The newest block up to which all has been told; its time in Unix seconds. */
  get block(): { readonly number: number; readonly timestamp: number } {
    return this.#block;
  }

  /** Tells what is new. What it throws is told again by the next call. @throws NotariumError as {@link ChannelChain}. */
  async follow(): Promise<void> {
    const side = this.#side;
    if (!this.#events) {
      const from = (await side.cursor()) ?? (await this.#chain.newestBlock()).number;
      for (const { channelId } of await side.channels()) this.#onChannel(channelId);
      this.#events = new ChannelEvents(this.#chain, { from });
    }
    for (;;) {
      this.#untold ??= await this.#events.look();
      const { events, gone, block, isBehind } = this.#untold;
      for (const event of gone) await this.#tell(event, true);
      for (const event of events) await this.#tell(event, false);
      if (block) {
        this.#block = block;
        await side.saveCursor(block);
      }
      this.#untold = undefined;
      if (!isBehind) return;
    }
  }

  async #tell(event: ChannelEvent, isGone: boolean): Promise<void> {
    if (!(await this.#concerns(event))) return;
    await (isGone ? this.#side.onGone(event) : this.#side.onChain(event));
    if ('channelId' in event) this.#onChannel(event.channelId, event, isGone);
  }

  async #concerns(event: ChannelEvent): Promise<boolean> {
    const { account } = this.#chain;
    const side = this.#side;
    if (event.type === 'revealed') return true;
    if ('account' in event) return event.account === account;
    if (event.type === 'opened' && side.role !== 'watchtower') return event.channel[side.role] === account;
    return (await side.channel(event.channelId)) !== undefined;
  }
}
