import type { ChannelChain, ChannelStatus } from '../../chain/channels/ChannelChain.ts';
import type { ChannelEvent } from '../../chain/channels/ChannelEvent.ts';
import type { Hash } from '../../core/bytes.ts';
import { type Channel, channelIdOf } from '../../core/channels/channel.ts';
import type { ChannelState, Lock, SignedState } from '../../core/channels/state.ts';
import { isNotariumError } from '../../core/errors.ts';
import type { SignedClosing } from './SettlementSide.ts';

/** A channel as the chain has it now. `deadline` (Unix seconds) and `version` while it is closing. */
export type ChannelOnChain = {
  readonly channel: Channel;
  readonly status: Exclude<ChannelStatus['status'], 'none'>;
  readonly held: bigint;
  readonly deadline?: number;
  readonly version?: number;
};

/**
 * The chain as the two machines of the exchange use it: each call may come again until its event is seen, and resolves without
 * sending anything where the chain has gone on already, or is not so far yet.
 */
export type ExchangeChain = {
  /** @param opened What the channel is known to be; without it the chain's own events are asked. Undefined where there is none. */
  channel(channelId: Hash, opened?: Channel): Promise<ChannelOnChain | undefined>;
  /** Of the newest block, Unix seconds. */
  timestamp(): Promise<number>;
  /** Unix seconds. */
  revealedAt(keyHashes: readonly Hash[]): Promise<(number | undefined)[]>;
  startClosing(channel: Channel, latest: SignedState | undefined): Promise<void>;
  challenge(channel: Channel, latest: SignedState): Promise<void>;
  reveal(keys: readonly Hash[]): Promise<void>;
  settle(
    channel: Channel,
    settlement: {
      readonly state: Pick<ChannelState, 'evidenceCount'>;
      readonly locks: readonly Lock[];
      readonly peaks: readonly Uint8Array[];
    },
  ): Promise<void>;
  closeTogether(channel: Channel, closing: SignedClosing): Promise<void>;
};

/** What such a machine is told of the chain. */
export type ExchangeEvent =
  | { readonly kind: 'deposited'; readonly channelId: Hash; readonly held: bigint }
  | { readonly kind: 'closing'; readonly channelId: Hash; readonly version: number; readonly deadline: number }
  | { readonly kind: 'reopened'; readonly channelId: Hash }
  | { readonly kind: 'settled'; readonly channelId: Hash; readonly evidenceCount: number }
  | { readonly kind: 'revealed'; readonly keyHash: Hash; readonly key: Hash; readonly at: number };

/** Errors of the contract that mean: done by somebody else, too late, or a moment too early. */
const mootErrors: ReadonlySet<unknown> = new Set([
  'ChallengeOver',
  'ChannelStatusMismatch',
  'SettlementEarly',
  'VersionInvalid',
]);

/** See {@link ExchangeChain}. */
export function exchangeChainOf(chain: ChannelChain, options: { readonly signal?: AbortSignal } = {}): ExchangeChain {
  const unlessMoot = async (send: Promise<unknown>): Promise<void> => {
    try {
      await send;
    } catch (error) {
      if (!isNotariumError(error, 'channel-state') || !mootErrors.has(error.data.error)) throw error;
    }
  };
  return {
    async channel(channelId, opened) {
      const channel = opened ?? (await chain.opening(channelId))?.channel;
      if (!channel) return undefined;
      const { status, ...closing } = await chain.status(channelIdOf(chain.network, channel));
      return status === 'none' ? undefined : { channel, status, held: await chain.held(channel), ...closing };
    },
    timestamp: async () => (await chain.newestBlock()).timestamp,
    revealedAt: (keyHashes) => Promise.all(keyHashes.map((keyHash) => chain.revealedAt(keyHash))),
    startClosing: (channel, latest) => unlessMoot(chain.startClosing(channel, latest, options)),
    challenge: (channel, latest) => unlessMoot(chain.challenge(channel, latest, options)),
    reveal: (keys) => unlessMoot(chain.reveal(keys, options)),
    settle: (channel, { state, locks, peaks }) =>
      unlessMoot(chain.settle(channel, { locks, evidence: { size: state.evidenceCount, peaks } }, options)),
    closeTogether: (channel, closing) => unlessMoot(chain.closeTogether(channel, closing.closing, closing, options)),
  };
}

/** An event of the chain as the machines take it; undefined for one that says nothing to them. */
export function exchangeEventOf(event: ChannelEvent): ExchangeEvent | undefined {
  switch (event.type) {
    case 'deposited':
      return { kind: 'deposited', channelId: event.channelId, held: event.held };
    case 'closing': {
      const { channelId, deadline, state } = event;
      return { kind: 'closing', channelId, version: state.version, deadline };
    }
    case 'settled':
      return { kind: 'settled', channelId: event.channelId, evidenceCount: event.evidenceCount };
    case 'revealed':
      return { kind: 'revealed', keyHash: event.keyHash, key: event.key, at: event.place.timestamp };
    default:
      return undefined;
  }
}

/** What a machine is told when a reorganisation has taken an event back; undefined for nothing. */
export function takenBackOf(event: ChannelEvent): ExchangeEvent | undefined {
  return event.type === 'closing' ? { kind: 'reopened', channelId: event.channelId } : undefined;
}
