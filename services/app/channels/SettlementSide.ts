import type { ChannelStatus, StateContent } from '../../chain/channels/ChannelChain.ts';
import type { ChannelEvent } from '../../chain/channels/ChannelEvent.ts';
import type { ChainBlock } from '../../chain/Governance.ts';
import type { Hash } from '../../core/bytes.ts';
import type { Channel } from '../../core/channels/channel.ts';
import type { Closing, SignedState } from '../../core/channels/state.ts';
import type { ClosingFacts } from './closingPolicy.ts';

/** A channel that its side has to do with. */
export type SettlingChannel = { readonly channelId: Hash; readonly channel: Channel };

/** What both have signed to close together; signatures of 64 or 65 bytes. */
export type SignedClosing = Pick<SignedState, 'requesterSignature' | 'verifierSignature'> & {
  readonly closing: Closing;
};

/** A bill key, and the last second, Unix, in which it pays when it is revealed on chain. */
export type BillKey = { readonly key: Hash; readonly expiry: number };

/**
 * What {@link Settlement} asks of the one that it works for, and tells it. What is told may be told more than once: after a restart,
 * and after a reorganisation. What throws is asked or told again.
 */
export type SettlementSide = {
  /** A watchtower only challenges and reveals. */
  readonly role: 'requester' | 'verifier' | 'watchtower';
  /** All channels that have not ended as far as this side knows. */
  channels(): Promise<readonly SettlingChannel[]>;
  /** One of these, or one that has ended; undefined for a stranger's. */
  channel(channelId: Hash): Promise<SettlingChannel | undefined>;
  /** The newest state that both have signed; undefined before the first. */
  newestState(channelId: Hash): Promise<SignedState | undefined>;
  /** What the hashes of a state stand for, where this side knows it; also of one that the other side alone can have handed in. */
  content(channelId: Hash, version: number): Promise<StateContent | undefined>;
  signedClosing(channelId: Hash): Promise<SignedClosing | undefined>;
  /** Keys of the open locks that are this side's to be paid for, of the newest state; none at a requester. */
  keys(channelId: Hash): Promise<readonly BillKey[]>;
  /** Whether this side has decided to close alone, and signs nothing more. */
  isLeaving?(channelId: Hash): Promise<boolean>;
  /** What the policy decides by. */
  facts(channelId: Hash): Promise<ClosingFacts>;
  /**
   * Asks the other side for a newer state, and adopts it, before this side's newest is broadcast. Not asked where the time for
   * challenges runs. Whether that side answers is none of the caller's business.
   */
  askNewest?(channelId: Hash): Promise<void>;
  /** Tries to close together with the other side; what comes of it shows in {@link SettlementSide.signedClosing}. */
  askClosing?(channelId: Hash): Promise<void>;
  /** Where watching the chain goes on after a restart; undefined at first: from now. */
  cursor(): Promise<Pick<ChainBlock, 'number' | 'hash'> | undefined>;
  saveCursor(block: ChainBlock): Promise<void>;
  /**
   * An event of a channel of this side's, or a key that was revealed. After `closing` nothing more is signed, after `settled` the
   * channel has ended.
   */
  onChain(event: ChannelEvent): Promise<void>;
  /** What was told is on the chain no more, such as the opening. */
  onGone(event: ChannelEvent): Promise<void>;
  /** How a look at the channel itself finds it: the way to a closing, or to the end of one, that no event has told. */
  onStatus(channelId: Hash, status: ChannelStatus): Promise<void>;
  /** A state was handed in that is newer than this side's: this one comes from a backup. */
  onStale(channelId: Hash, versions: { readonly have: number; readonly chain: number }): Promise<void>;
};
