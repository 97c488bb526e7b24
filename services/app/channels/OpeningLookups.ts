import { LRUCache } from 'lru-cache';
import type { Hash } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import type { Clock } from '../../lib/clock.ts';
import type { ChannelFacts } from './ChannelFacts.ts';

/** Looks in a row at once, and how many more each second. */
const burst = 64;
const perSecond = 16;

/**
 * How channels were opened that the verifier does not know yet. Anybody can sign for a channel that does not exist: what the chain has not
 * told of by itself is looked up so often only, however many ask.
 */
export class OpeningLookups {
  readonly #chain: Pick<ChannelFacts, 'opening'>;
  readonly #clock: Clock;
  readonly #announced = new LRUCache<Hash, true>({ max: 10_000 });
  #left = burst;
  #countedMs: number;

  constructor(chain: Pick<ChannelFacts, 'opening'>, clock: Clock) {
    this.#chain = chain;
    this.#clock = clock;
    this.#countedMs = clock.nowMs();
  }

  /** The chain has told of the channel's opening. */
  announce(channelId: Hash): void {
    this.#announced.set(channelId, true);
  }

  /** @throws NotariumError `rate-limited`, those of the chain. */
  async of(channelId: Hash): ReturnType<ChannelFacts['opening']> {
    if (!this.#announced.has(channelId)) this.#count();
    return await this.#chain.opening(channelId);
  }

  #count(): void {
    const nowMs = this.#clock.nowMs();
    this.#left = Math.min(burst, this.#left + (Math.max(0, nowMs - this.#countedMs) / 1000) * perSecond);
    this.#countedMs = nowMs;
    if (this.#left < 1)
      throw new NotariumError('rate-limited', 'too many channels are asked for that the chain has not told of');
    this.#left--;
  }
}
