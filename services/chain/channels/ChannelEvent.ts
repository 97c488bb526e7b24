import type { Address, Hash } from '../../core/bytes.ts';
import type { Channel } from '../../core/channels/channel.ts';
import type { ChannelState } from '../../core/channels/state.ts';
import type { EventPlace } from '../Governance.ts';

/** What happened to an evidence channel, by the chain's own events. */
export type ChannelEvent = { readonly place: EventPlace } & (
  | { readonly type: 'opened'; readonly channelId: Hash; readonly channel: Channel }
  | {
      readonly type: 'deposited';
      readonly channelId: Hash;
      /** All that the channel holds since. */
      readonly held: bigint;
    }
  /** A state was handed in, or a newer one in its place. */
  | {
      readonly type: 'closing';
      readonly channelId: Hash;
      /** Last second, Unix, in which a newer state is taken. */
      readonly deadline: number;
      /** What settling needs beside the state. */
      readonly salt: Hash;
      readonly state: ChannelState;
    }
  | {
      readonly type: 'settled';
      readonly channelId: Hash;
      /** The total digest. */
      readonly evidenceRoot: Hash;
      readonly evidenceCount: number;
      readonly requesterPayout: bigint;
      readonly verifierPayout: bigint;
    }
  | {
      readonly type: 'anchored';
      readonly channelId: Hash;
      readonly evidenceRoot: Hash;
      readonly evidenceCount: number;
    }
  | { readonly type: 'revealed'; readonly keyHash: Hash; readonly key: Hash }
  /** A payout that the payee did not take. */
  | { readonly type: 'credited'; readonly token: Address; readonly account: Address; readonly amount: bigint }
  | {
      readonly type: 'withdrawn';
      readonly token: Address;
      readonly account: Address;
      readonly to: Address;
      readonly amount: bigint;
    }
);

/** An event of one type. */
export type ChannelEventOf<T extends ChannelEvent['type']> = Extract<ChannelEvent, { type: T }>;
