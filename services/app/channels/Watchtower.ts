import type { ChannelChain } from '../../chain/channels/ChannelChain.ts';
import type { Address, Hash } from '../../core/bytes.ts';
import { jsonWithAmounts } from '../../core/channels/amount.ts';
import { keyHashOf } from '../../core/channels/bill.ts';
import type { Channel } from '../../core/channels/channel.ts';
import { maxLocks, noLocks } from '../../core/channels/state.ts';
import type { Crypto } from '../../core/crypto.ts';
import { NotariumError } from '../../core/errors.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { WatchtowerStore } from '../../store/WatchtowerStore.ts';
import { checkHandedState } from './checkHandedState.ts';
import { type HandedState, type KeptState, keptStateSchema } from './HandedState.ts';
import { Settlement } from './Settlement.ts';
import type { SettlementSettings } from './SettlementParts.ts';
import type { SettlementSide } from './SettlementSide.ts';
import type { WatchtowerMetrics } from './watchtowerMetrics.ts';

/** What a watchtower is made of. */
export type WatchtowerParts = {
  readonly chain: ChannelChain;
  readonly store: WatchtowerStore;
  readonly crypto: Crypto;
  readonly logger: Logger;
  readonly metrics: WatchtowerMetrics;
  readonly clock?: Clock;
  readonly settings?: Partial<SettlementSettings>;
  /** Most channels that it keeps a state of. */
  readonly mostChannels: number;
  /** Keeps states of channels of these accounts only, on either side; of all without it. */
  readonly accounts?: ReadonlySet<Address>;
};

/** A reorganisation may bring back a channel that has ended so many blocks ago. */
const forgetAfterBlocks = 256;

/**
 * Keeps states that both sides have signed, and challenges an older one by itself. It needs no right on the contract, and no key but
 * one that pays for gas.
 */
export class Watchtower {
  readonly #parts: WatchtowerParts;
  readonly #settlement: Settlement;
  #turn: Promise<void> = Promise.resolve();

  constructor(parts: WatchtowerParts) {
    this.#parts = parts;
    const { chain, logger, metrics, clock, settings } = parts;
    this.#settlement = new Settlement({
      chain,
      side: this.#side(),
      logger,
      metrics: metrics.settlement,
      ...(clock ? { clock } : {}),
      ...(settings ? { settings } : {}),
    });
  }

  /** Begins to watch. */
  start(): void {
    this.#settlement.start();
  }

  async close(): Promise<void> {
    await this.#settlement.close();
  }

  /**
   * Keeps a state, durably, unless it has a newer one of the channel.
   * @returns The version that it keeps now.
   * @throws NotariumError `channel-unknown`, `channel-state` (the channel has ended), `watchtower-full`, `chain-unreachable`, and
   *   those of {@link checkHandedState}.
   */
  async keep(handed: HandedState): Promise<{ version: number }> {
    const { store, chain, crypto, metrics } = this.#parts;
    const { channelId } = handed;
    const { version } = handed.state;
    const channel = (await this.#kept(channelId))?.channel ?? (await this.#opened(channelId));
    const state = checkHandedState(chain.network, channel, handed, crypto);
    await this.#inTurn(async () => {
      const known = await this.#kept(channelId);
      if (!known) await this.#requireRoom();
      const keys = mergedKeys(known?.keys ?? [], handed, state.keys);
      await store.put({ channelId, version, data: jsonWithAmounts({ ...state, keys }) });
    });
    metrics.handed();
    this.#settlement.touch(channelId);
    return { version: (await this.version(channelId))! };
  }

  /** Version of the state that it keeps of a channel; undefined for none. */
  async version(channelId: Hash): Promise<number | undefined> {
    return (await this.#parts.store.read(channelId))?.version;
  }

  /** What keeps it from its work right now, by stable code. */
  problems(): { code: string; detail: string }[] {
    return this.#settlement.problems();
  }

  // What is kept depends on what was kept before.
  #inTurn(run: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(run);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #opened(channelId: Hash): Promise<Channel> {
    const { chain, accounts } = this.#parts;
    const unknown = (detail: string) => new NotariumError('channel-unknown', detail, { data: { channelId } });
    const opening = await chain.opening(channelId);
    if (!opening) throw unknown('the chain has no such channel');
    const { channel } = opening;
    if (accounts && !accounts.has(channel.requester) && !accounts.has(channel.verifier)) {
      throw unknown('this watchtower is for other accounts');
    }
    const { status } = await chain.status(channelId);
    if (status === 'settled') throw new NotariumError('channel-state', 'it has ended', { data: { channelId } });
    return channel;
  }

  async #requireRoom(): Promise<void> {
    const { store, mostChannels } = this.#parts;
    const have = await store.count();
    if (have >= mostChannels)
      throw new NotariumError('watchtower-full', undefined, { data: { have, want: mostChannels } });
  }

  async #kept(channelId: Hash): Promise<KeptState | undefined> {
    const row = await this.#parts.store.read(channelId);
    return row && keptStateSchema.parse(JSON.parse(row.data));
  }

  #side(): SettlementSide {
    const { store } = this.#parts;
    let blockNumber = 0;
    return {
      role: 'watchtower',
      channels: async () =>
        (await store.open()).map(({ channelId, data }) => ({
          channelId,
          channel: keptStateSchema.parse(JSON.parse(data)).channel,
        })),
      channel: async (channelId) => {
        const kept = await this.#kept(channelId);
        return kept && { channelId, channel: kept.channel };
      },
      newestState: async (channelId) => (await this.#kept(channelId))?.signed,
      keys: async (channelId) => (await this.#kept(channelId))?.keys ?? [],
      cursor: async () => {
        const cursor = await store.cursor();
        blockNumber = cursor?.number ?? 0;
        return cursor;
      },
      async saveCursor(block) {
        // Each write waits for the disk.
        if (block.number !== blockNumber) await store.saveCursor(block, block.number - forgetAfterBlocks);
        blockNumber = block.number;
      },
      onChain: async (event) => {
        if (event.type === 'settled') await store.markSettled(event.channelId, event.place.blockNumber);
      },
      onGone: async (event) => {
        if (event.type === 'settled') await store.markSettled(event.channelId, undefined);
      },
      onStatus: async (channelId, { status }) => {
        // One that no event has told: from now on at least it is known. It may go as untold.
        await store.markSettled(channelId, status === 'settled' ? blockNumber : undefined);
      },
      // A watchtower neither settles nor closes, and a newer state than its own is as good to it.
      content: async () => undefined,
      signedClosing: async () => undefined,
      facts: async () => ({ evidenceCount: 0, openedAt: 0, requesterBalance: 0n, verifierBalance: 0n }),
      onStale: async () => undefined,
    };
  }
}

// The other side may hand in a state too, without keys: that must not take away those that are here.
function mergedKeys(
  known: KeptState['keys'],
  { state, locks }: HandedState,
  keys: KeptState['keys'],
): KeptState['keys'] {
  if (state.locksHash === noLocks) return [];
  const open = new Set(locks.map(({ keyHash }) => keyHash));
  const still = locks.length === 0 ? known : known.filter(({ key }) => open.has(keyHashOf(key)));
  return [...new Map([...still, ...keys].map((one) => [one.key, one])).values()].slice(-maxLocks);
}
