import type { Hash } from '../../core/bytes.ts';
import type { SignedBill } from '../../core/channels/bill.ts';
import type { Channel } from '../../core/channels/channel.ts';
import type { BillChange, BillState } from '../../core/channels/party.ts';
import type { Statement, StatementRole } from '../../core/channels/statement.ts';

/** An evidence channel as one of its sides keeps it. */
export type StoredChannel = {
  readonly channelId: Hash;
  /** The side that this process is. */
  readonly role: StatementRole;
  readonly channel: Channel;
  /** Of the machine of that side. */
  readonly state: string;
  /** JSON of what the machine must remember, but for bills. */
  readonly memory: string;
  /** When it must be looked at even if nothing happens: Unix seconds. */
  readonly dueAt?: number;
};

/** A bill and what has come of it. */
export type StoredBill = {
  readonly channelId: Hash;
  readonly signed: SignedBill;
  readonly state: BillState;
  readonly key?: Hash;
  readonly first?: Statement;
  readonly second?: Statement;
  /** Of its digest in the evidence tree. */
  readonly leafIndex?: number;
  /** What its keeper notes with it: JSON. */
  readonly note?: string;
};

/** What is kept together: a channel, some of its bills. Of a bill, what is not said stays as it was. */
export type ChannelChange = {
  readonly channelId: Hash;
  readonly channel?: StoredChannel;
  readonly bills?: readonly BillChange[];
  /** Bills that nothing is kept of any more. */
  readonly forgotten?: readonly Hash[];
};

/** What the sides of evidence channels keep. Every method throws `storage-failed` or `storage-full` when the database does not answer. */
export type ChannelStore = {
  channel(channelId: Hash): Promise<StoredChannel | undefined>;
  /** In the order of their ids. */
  channels(query: {
    readonly role?: StatementRole;
    readonly after?: Hash;
    readonly withoutState?: string;
    readonly limit: number;
  }): Promise<StoredChannel[]>;
  /** Channels that must be looked at by then, the most urgent ones first. */
  due(role: StatementRole, at: number, limit: number): Promise<Hash[]>;
  bill(channelId: Hash, billId: Hash): Promise<StoredBill | undefined>;
  /** Those that are offered or locked. */
  openBills(channelId: Hash): Promise<StoredBill[]>;
  /** Which of the bills are known, in whatever state. */
  knownBills(channelId: Hash, billIds: readonly Hash[]): Promise<Hash[]>;
  /** Bills whose digests are in the evidence tree, by leaf index. */
  evidence(channelId: Hash, from: number, limit: number): Promise<StoredBill[]>;
  /** How many of the leaves before one of the evidence tree are here. */
  leafCount(channelId: Hash, before: number): Promise<number>;
  /** Bills of a channel about a digest, in some states: any when left out. */
  billsOf(channelId: Hash, digest: Hash, states?: readonly BillState[]): Promise<StoredBill[]>;
  /** Channels with an open lock of that key hash. */
  locksWith(keyHash: Hash): Promise<Hash[]>;
  /** All or nothing, and on disk when it resolves. */
  save(changes: readonly ChannelChange[]): Promise<void>;
  close(): Promise<void>;
};
