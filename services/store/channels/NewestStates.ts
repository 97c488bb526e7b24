import type { Hash } from '../../core/bytes.ts';
import type { ChannelView } from '../../core/channels/update.ts';

/** The newest state of a channel, or none for one that has ended. */
export type NewestState = { readonly channelId: Hash; readonly view: ChannelView | undefined };

/**
 * The newest state that a verifier has signed in each channel, kept apart from its database: what a restored backup has forgotten is
 * known here. Every method throws `storage-failed` or `storage-full` when the disk does not answer.
 */
export type NewestStates = {
  /** Those that have not ended. */
  channels(): Promise<Hash[]>;
  newest(channelId: Hash): Promise<ChannelView | undefined>;
  /** All or nothing, and on disk when it resolves. */
  save(states: readonly NewestState[]): Promise<void>;
  close(): Promise<void>;
};
