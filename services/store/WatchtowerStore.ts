import type { Hash } from '../core/bytes.ts';

/** The newest state of one channel; `data` is JSON of the caller's own. */
export type WatchtowerRow = { readonly channelId: Hash; readonly version: number; readonly data: string };

/** What a watchtower keeps. All is durable when a call resolves. Throws NotariumError `storage-failed`, `storage-full`, `store-corrupt`. */
export type WatchtowerStore = {
  read(channelId: Hash): Promise<WatchtowerRow | undefined>;
  /** Keeps a row unless there is one with a greater version; false then. */
  put(row: WatchtowerRow): Promise<boolean>;
  /** All whose channel has not ended. */
  open(): Promise<WatchtowerRow[]>;
  /** Rows in all. */
  count(): Promise<number>;
  /** The channel has ended in this chain block; undefined: it has not after all. */
  markSettled(channelId: Hash, blockNumber: number | undefined): Promise<void>;
  /** Chain block up to which events are known. */
  cursor(): Promise<{ readonly number: number; readonly hash: Hash } | undefined>;
  /** @param forgetBefore Channels that ended before this block are forgotten. */
  saveCursor(block: { readonly number: number; readonly hash: Hash }, forgetBefore: number): Promise<void>;
  close(): Promise<void>;
};
