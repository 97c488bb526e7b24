import type { Ack } from '../../core/activities/ack.ts';
import type { HeadType } from '../../core/activities/message.ts';
import type { Seal } from '../../core/activities/sealed.ts';
import type { Address, Hash, RecordId } from '../../core/bytes.ts';

/** Where an activity stands at this node, beside what its messages say. */
export type StoredActivity = {
  readonly id: Hash;
  /** API key of the client that began it or was given it; undefined for the operator alone. */
  readonly owner?: string | undefined;
  readonly createdMs: number;
  readonly changedMs: number;
  readonly messageCount: number;
};

/** A message that was taken. */
export type StoredMessage = {
  readonly id: Hash;
  readonly activity: Hash;
  /** Order in which this node has taken the messages of the activity, from 0. */
  readonly place: number;
  readonly type: HeadType;
  readonly sender: Address;
  /** Canonical bytes of its parcel; encrypted on the disk. */
  readonly parcel: Uint8Array;
  readonly seal: Seal;
  /** Digest of the seal: what the log has. */
  readonly sealDigest: Hash;
  /** Record in the log; of a message of others once it is found there. */
  readonly recordId?: RecordId | undefined;
  readonly takenMs: number;
};

/** One member's copy of a message of ours. */
export type Delivery = {
  readonly sealDigest: Hash;
  readonly activity: Hash;
  readonly message: Hash;
  readonly member: Address;
  readonly state: 'queued' | 'delivered' | 'read' | 'refused';
  /** Order of all deliveries to the member. */
  readonly seq: number;
  readonly queuedMs: number;
  /** The member's signed word. */
  readonly ack?: Ack | undefined;
  /** Why it is refused, or was not delivered the last time. */
  readonly problem?: { readonly code: string; readonly detail: string } | undefined;
};

/** What is put on the way to members: the sealed text, the same for all of them or a copy for one. */
export type Outgoing = {
  readonly sealDigest: Hash;
  readonly activity: Hash;
  readonly message: Hash;
  /** JSON of an envelope. */
  readonly text: string;
  readonly members: readonly Address[];
};

/** A message that came before what it builds on. */
export type HeldMessage = {
  readonly sealDigest: Hash;
  readonly activity: Hash;
  readonly from: Address;
  /** JSON of an envelope. */
  readonly text: string;
  readonly heldMs: number;
};

/** A record about a message of ours, until the log has taken it. */
export type PendingRecord = { readonly message: Hash; readonly activity: Hash; readonly entry: string };

/** One step of an activity: all of it on the disk, or nothing. */
export type ActivityChange = {
  readonly activity: Hash;
  /** Of a new one. */
  readonly owner?: string | undefined;
  readonly nowMs: number;
  readonly messages?: readonly Omit<StoredMessage, 'place' | 'takenMs' | 'activity'>[];
  readonly outgoing?: readonly Outgoing[];
  readonly records?: readonly PendingRecord[];
  /** Held ones that are taken or given up. */
  readonly released?: readonly Hash[];
};

/**
 * Activities of a node: messages, what is on its way to members, what came too early. SQLite or PostgreSQL. What says nothing else is
 * durable when it resolves; changes of many callers share one commit.
 *
 * All methods throw NotariumErrors `storage-failed`, `storage-full`, `store-corrupt` where the disk says so.
 */
export type ActivityStore = {
  /** Several activities at once share a commit. A message that is there already is left as it is. */
  save(change: ActivityChange): Promise<void>;
  activity(id: Hash): Promise<StoredActivity | undefined>;
  /** The changed last first. `owner`: of that client alone. `after` is the `next` of the page before. */
  list(query: { readonly owner?: string; readonly after?: string; readonly limit: number }): Promise<{
    readonly items: readonly StoredActivity[];
    readonly next?: string;
  }>;
  setOwner(id: Hash, owner: string | undefined): Promise<void>;
  /** In the order in which they were taken. */
  messages(activity: Hash, fromPlace?: number, limit?: number): Promise<StoredMessage[]>;
  message(id: Hash): Promise<StoredMessage | undefined>;
  /** Which of these were taken. */
  known(ids: readonly Hash[]): Promise<Set<Hash>>;
  bySeal(sealDigest: Hash): Promise<StoredMessage | undefined>;
  setRecord(message: Hash, recordId: RecordId): Promise<void>;

  /** Members for whom something is queued. */
  waiting(): Promise<Address[]>;
  /** Next deliveries to a member, oldest first, texts of at most so many bytes (one at least). */
  queued(member: Address, limit: number, maxBytes: number): Promise<(Delivery & { readonly text: string })[]>;
  /** What became of deliveries. The text goes when no member needs it. */
  delivered(outcomes: readonly Pick<Delivery, 'sealDigest' | 'member' | 'state' | 'ack' | 'problem'>[]): Promise<void>;
  /** Takes what is queued for the member from its text to another one: sealed to its new key. */
  replaceQueued(member: Address, sealDigest: Hash, next: Omit<Outgoing, 'members'>): Promise<void>;
  deliveries(activity: Hash, message?: Hash): Promise<Delivery[]>;
  /** Oldest queued delivery of each member, for alerts. */
  oldestQueued(): Promise<readonly { readonly member: Address; readonly queuedMs: number; readonly count: number }[]>;

  /** Bounded for each sender: the oldest of a sender go first. */
  hold(held: HeldMessage): Promise<void>;
  held(activity?: Hash): Promise<HeldMessage[]>;

  pendingRecords(limit: number): Promise<PendingRecord[]>;
  recordTaken(message: Hash, recordId: RecordId): Promise<void>;

  /** Credentials of devices, with the time at which they were taken back. */
  saveCredential(credential: {
    readonly id: Hash;
    readonly text: string;
    readonly device: Address;
    readonly owner?: string;
  }): Promise<void>;
  credentials(): Promise<readonly { readonly id: Hash; readonly text: string; readonly revokedMs?: number }[]>;
  revokeCredential(id: Hash, nowMs: number): Promise<boolean>;
  close(): Promise<void>;
};
