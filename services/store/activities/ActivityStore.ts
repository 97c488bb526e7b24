import type { Ack } from '../../core/activities/ack.ts';
import type { HeadType } from '../../core/activities/message.ts';
import type { Seal } from '../../core/activities/sealed.ts';
import type { Address, Hash, RecordId } from '../../core/bytes.ts';
import type { NotariumError } from '../../core/errors.ts';

/** Where an activity stands at this node, beside what its messages say. */
export type StoredActivity = {
  readonly id: Hash;
  /** API key of the client that began it or was given it; undefined for the operator alone. */
  readonly owner?: string | undefined;
  readonly createdMs: number;
  readonly changedMs: number;
  readonly messageCount: number;
  /** Somebody here has begun it, or looked at it. */
  readonly isRead: boolean;
};

/** One of a list. */
export type ListedActivity = StoredActivity & {
  /** What was kept beside its messages; undefined where that is of another number of them. */
  readonly summary?: string;
};

/** What a member has begun and said in activities that nobody here has looked at. */
export type UnreadLoad = { readonly payer: Address; readonly activities: number; readonly sizeBytes: number };

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
  /** How often the member was sent it and could not take it yet. */
  readonly tries: number;
  /** The member's signed word. */
  readonly ack?: Ack | undefined;
  /** Why it is refused, or was not delivered the last time. */
  readonly problem?: { readonly code: string; readonly detail: string } | undefined;
};

/** What is put on the way to members: the sealed message, the same for all of them or a copy for one. */
export type Outgoing = {
  /** Of the seal that the log has: a copy has the same one, though its bytes are others. */
  readonly sealDigest: Hash;
  readonly activity: Hash;
  readonly message: Hash;
  /** An envelope as it goes over the wire. It may not be changed any more. */
  readonly item: Uint8Array;
  readonly members: readonly Address[];
};

/** A message that came before what it builds on. Of each sender the first one that claims a seal stays. */
export type HeldMessage = {
  /** What the envelope claims: two senders may claim the same one. */
  readonly sealDigest: Hash;
  readonly activity: Hash;
  readonly from: Address;
  /** An envelope as it goes over the wire. */
  readonly item: Uint8Array;
  readonly heldMs: number;
};

/** Which one it is. */
export type HeldName = Pick<HeldMessage, 'sealDigest' | 'from' | 'heldMs'>;

/** How much is held for messages that have not come: the oldest go first. */
export type HeldLimits = {
  readonly perSender: number;
  readonly perSenderBytes: number;
  /** Of a sender that is no member any more, in one activity. */
  readonly late: number;
  readonly lateBytes: number;
  readonly total: number;
  readonly totalBytes: number;
};

/** A message to be kept. */
export type NewMessage = Omit<StoredMessage, 'place' | 'takenMs' | 'activity'> & {
  /** Sealed digests of its attachments: as long as a message names them they stay. */
  readonly attachments?: readonly Hash[];
  /** They were put here. */
  readonly hasFiles?: boolean;
  /** On whose account it is as long as nobody has looked at the activity; its sender's by default. */
  readonly payer?: Address;
};

/** A file that a client has put and no message names yet. */
export type StoredUpload = {
  readonly sealedDigest: Hash;
  /** API key of the client; undefined for the operator. */
  readonly owner?: string | undefined;
  readonly sizeBytes: number;
  readonly putMs: number;
  /** Digest of what was answered to it: undefined for one of an earlier version. */
  readonly answerDigest?: Hash | undefined;
};

/** Which message names an attachment. */
export type AttachmentName = {
  readonly sealedDigest: Hash;
  readonly message: Hash;
  readonly activity: Hash;
  /** The file was put or fetched for this message. */
  readonly isHere: boolean;
};

/** A credential of a device of this node, and when it was taken back (Unix ms). */
export type StoredCredential = {
  readonly id: Hash;
  /** Undefined where it is damaged: nothing can be said by it any more, but it can be taken back. */
  readonly text: string | undefined;
  readonly device: Address;
  /** API key of the client that asked for it; undefined for the operator alone. */
  readonly owner?: string | undefined;
  readonly revokedMs?: number | undefined;
};

/** A record about a message of ours, until the log has taken it. */
export type PendingRecord = {
  readonly message: Hash;
  readonly activity: Hash;
  readonly entry: string;
  /** When it is to go there (Unix ms), so that those of one step do not go together. */
  readonly dueMs: number;
};

/** A pending record that is not as it was written. */
export type DamagedRecord = { readonly message: Hash; readonly activity: Hash; readonly error: NotariumError };

/** A message whose record was not found in the log yet. */
export type UnrecordedMessage = Pick<StoredMessage, 'id' | 'activity' | 'sealDigest' | 'takenMs'> & {
  /** Undefined where it is damaged: then nobody can say under which subject to look. */
  readonly seal: Seal | undefined;
};

/** One step of an activity: all of it on the disk, or nothing. */
export type ActivityChange = {
  readonly activity: Hash;
  /** Of a new one; that of an activity that is there stays. */
  readonly owner?: string | undefined;
  readonly nowMs: number;
  /** A new one is begun here, and so read. */
  readonly isRead?: boolean;
  /** This node has left it: from now on it is as if nobody had looked at it. */
  readonly isLeft?: boolean;
  /** Messages that the activity had when this was made. Where it has others now, nothing of the change is written. */
  readonly after?: number | undefined;
  /** With the first one that is taken, the activity is there. */
  readonly messages?: readonly NewMessage[];
  /** What a list shows of the activity with `after` messages and these. */
  readonly summary?: string;
  readonly outgoing?: readonly Outgoing[];
  readonly records?: readonly PendingRecord[];
  /** Messages that are to be answered, and those that are answered, or not to be any more. */
  readonly toAnswer?: readonly Hash[];
  readonly answered?: readonly Hash[];
  /** Held ones that are taken or given up: what another sender claims under the same seal stays. */
  readonly released?: readonly Pick<HeldMessage, 'sealDigest' | 'from'>[];
};

/**
 * Activities of a node: messages, what is on its way to members, what came too early. SQLite or PostgreSQL, which several processes may have
 * open. Everything is durable when it resolves; what many callers write at once shares one commit. Parcels, texts, records and credentials are
 * encrypted there.
 *
 * All methods throw NotariumErrors: `storage-failed`, `storage-full`, and `activity-store-corrupt` for what is not as it was written, with
 * `data.row`.
 */
export type ActivityStore = {
  /** Other processes may write to it: what is in memory may be behind. */
  readonly isShared: boolean;
  /**
   * A message, delivery or record that is there already is left as it is. What was put and is named now is no upload any more.
   * @throws NotariumError `activity-changed` for a change that was made after another number of messages than there are.
   */
  save(change: ActivityChange): Promise<void>;
  activity(id: Hash): Promise<StoredActivity | undefined>;
  /** Which of these are here. */
  knownActivities(ids: readonly Hash[]): Promise<Set<Hash>>;
  /**
   * The changed last first, at most 1,000. `owner`: of that client alone. `begins`: whose id begins so (`0x` and digits). `after` is the
   * `next` of the page before.
   * @throws NotariumError `request-invalid` for an `after` that is none.
   */
  list(query: {
    readonly owner?: string;
    readonly begins?: string;
    readonly after?: string;
    readonly limit: number;
  }): Promise<{
    readonly items: readonly ListedActivity[];
    readonly next?: string;
  }>;
  /** Keeps what a list shows of an activity with so many messages. */
  setSummary(id: Hash, summary: { readonly atCount: number; readonly text: string }): Promise<void>;
  /** Ids of all activities, at most `limit` (1,000) after that one: by id, so that none is left out that changes meanwhile. */
  activityIds(after: Hash | undefined, limit: number): Promise<Hash[]>;
  setOwner(id: Hash, owner: string | undefined): Promise<void>;
  /** Somebody has looked at it. */
  setRead(id: Hash): Promise<void>;
  /** Of each member. */
  unreadLoads(): Promise<readonly UnreadLoad[]>;
  /**
   * One page, in the order in which they were taken: at most `limit` (1,000), and parcels of at most 16 MiB, but one at least. Only an
   * empty page is the end.
   */
  messages(activity: Hash, fromPlace?: number, limit?: number): Promise<StoredMessage[]>;
  message(id: Hash): Promise<StoredMessage | undefined>;
  /** Which of these were taken. */
  known(ids: readonly Hash[]): Promise<Set<Hash>>;
  bySeal(sealDigest: Hash): Promise<StoredMessage | undefined>;
  /** Senders of the messages that were taken and have one of these seals, and where they have said it. */
  sentUnder(sealDigests: readonly Hash[]): Promise<Map<Hash, { readonly sender: Address; readonly activity: Hash }>>;
  setRecord(message: Hash, recordId: RecordId): Promise<void>;
  /** Messages that are to be answered still, in the order in which they were taken: at most `limit` (1,000) after that one. */
  toAnswer(
    after: number | undefined,
    limit: number,
  ): Promise<readonly { readonly seq: number; readonly message: Hash; readonly activity: Hash }[]>;

  /** Members for whom something is queued. */
  waiting(): Promise<Address[]>;
  /**
   * Next deliveries to a member, oldest first, texts of at most so many bytes (one at least).
   * @param pauses Those whose pause is over at that time, or is longer than the longest there is, as the clock was set back; all by default.
   * @throws NotariumError `activity-store-corrupt`, of a text that is lost with `data.sealDigest`, `member`, `activity` and `message`.
   */
  queued(
    member: Address,
    limit: number,
    maxBytes: number,
    pauses?: { readonly nowMs: number; readonly longestMs: number },
  ): Promise<(Delivery & { readonly item: Uint8Array })[]>;
  /** When the first pause of what is queued for a member is over; undefined where nothing is queued. */
  nextTry(member: Address): Promise<number | undefined>;
  /** Whatever waits for a member may be tried at once. */
  endPauses(member: Address): Promise<void>;
  /**
   * What became of deliveries. A state only goes forward: queued, delivered, refused, read; an acknowledgement stays until there is a newer
   * one. The text goes when no member needs it. One with `nextMs` was tried and waits until then.
   */
  delivered(
    outcomes: readonly (Pick<Delivery, 'sealDigest' | 'member' | 'state' | 'ack' | 'problem'> & {
      readonly nextMs?: number | undefined;
    })[],
  ): Promise<void>;
  /** Takes what is queued for the member from its text to another one: sealed to its new key. */
  replaceQueued(member: Address, sealDigest: Hash, next: Omit<Outgoing, 'members'>): Promise<void>;
  /** Of one message (all of them), or a page of those of an activity: by `seq`, at most `limit` (1,000) after that one. */
  deliveries(
    activity: Hash,
    message?: Hash,
    page?: { readonly after?: number; readonly limit?: number },
  ): Promise<Delivery[]>;
  /** Messages of an activity that a member has refused, the newest first. */
  refused(activity: Hash, limit: number): Promise<Hash[]>;
  /** Oldest queued delivery of each member, for alerts. */
  oldestQueued(): Promise<readonly { readonly member: Address; readonly queuedMs: number; readonly count: number }[]>;

  /**
   * Within {@link HeldLimits}: the oldest of its sender go first, then those of who has most.
   * @param isLate Of a sender that is no member any more: of these fewer are kept, for each activity.
   */
  hold(held: HeldMessage, isLate?: boolean): Promise<void>;
  /**
   * In the order in which they came. A damaged one is given up, and the log of this node says so.
   * @param isWanted Others are not read.
   */
  held(activity?: Hash, isWanted?: (name: HeldName) => boolean): Promise<HeldMessage[]>;
  /** Activities for which something is held. */
  heldActivities(): Promise<Hash[]>;

  /** Those that are due at that time, in the order of it, but for those that were set aside. */
  pendingRecords(
    limit: number,
    nowMs: number,
  ): Promise<{ readonly records: readonly PendingRecord[]; readonly damaged: readonly DamagedRecord[] }>;
  /** Puts a record in the place of a damaged one. */
  replaceRecord(record: PendingRecord): Promise<void>;
  /**
   * Those whose time has passed, and those that are due later than any is meant to be, as the clock was set back: in the order in which they
   * were made, at most `limit` (1,000) after that one, but for those that were set aside.
   */
  recordsOverdue(
    after: number | undefined,
    limit: number,
    nowMs: number,
  ): Promise<readonly { readonly seq: number; readonly message: Hash }[]>;
  /** What could not be handed in is pending again at these times (Unix ms). */
  postponeRecords(records: readonly Pick<PendingRecord, 'message' | 'dueMs'>[]): Promise<void>;
  /** A damaged record holds the others up no longer. */
  setRecordAside(message: Hash): Promise<void>;
  /** At most 1,000 of those that were set aside. */
  recordsSetAside(): Promise<Omit<DamagedRecord, 'error'>[]>;
  /** The log has the records of these messages. */
  recordsTaken(taken: readonly { readonly message: Hash; readonly recordId: RecordId }[]): Promise<void>;
  /**
   * Messages of an activity, or of all of them, taken before a time, whose record was not found yet: the oldest first, at most `limit` (1,000).
   */
  unrecorded(query: {
    readonly activity?: Hash;
    readonly beforeMs: number;
    readonly limit: number;
  }): Promise<UnrecordedMessage[]>;
  /**
   * Those of activities that somebody has looked at, taken in that time: the oldest first, at most `limit` (1,000) after that one. `next` is
   * where to go on, also after a page that is not full; there is none at the end.
   */
  unrecordedRead(query: {
    readonly afterMs: number;
    readonly beforeMs: number;
    readonly after?: Pick<StoredMessage, 'id' | 'takenMs'> | undefined;
    readonly limit: number;
  }): Promise<{
    readonly messages: readonly UnrecordedMessage[];
    readonly next?: Pick<StoredMessage, 'id' | 'takenMs'>;
  }>;

  /** Which of these attachments a message names. */
  namedAttachments(sealedDigests: readonly Hash[]): Promise<Set<Hash>>;
  /** Messages that name an attachment by id, at most 1,000 after that one. */
  messagesNaming(sealedDigest: Hash, after?: Hash): Promise<AttachmentName[]>;
  /** Whether this message of the activity names the attachment, and the file is here for it or for another one there. */
  isFileHere(name: Omit<AttachmentName, 'isHere'>): Promise<boolean>;
  /** The file of an attachment is here for this message. */
  setHere(name: Pick<AttachmentName, 'sealedDigest' | 'message'>): Promise<void>;

  /** Notes a file that was put. */
  saveUpload(upload: StoredUpload): Promise<void>;
  /** Number and bytes of what a client has put and no message names; of the operator where there is no owner. */
  uploadsOf(owner: string | undefined): Promise<{ readonly count: number; readonly sizeBytes: number }>;
  /** Makes uploads young again, so that they stay until the message that names them is here; answers those that are there. */
  touchUploads(sealedDigests: readonly Hash[], nowMs: number): Promise<readonly StoredUpload[]>;
  /** Which of these are uploads that were put at that time or later. */
  youngUploads(sealedDigests: readonly Hash[], sinceMs: number): Promise<Set<Hash>>;
  /** Forgets an upload that was put before then; whether nothing needs its file: no message names it, and no upload that is younger. */
  dropUpload(sealedDigest: Hash, beforeMs: number): Promise<boolean>;

  /** Again under the same id: nothing is changed. */
  saveCredential(credential: Omit<StoredCredential, 'revokedMs'> & { readonly text: string }): Promise<void>;
  credential(id: Hash): Promise<StoredCredential | undefined>;
  /** By id, at most `limit` (1,000) after that one. */
  credentials(query?: {
    readonly owner?: string;
    readonly after?: Hash;
    readonly limit?: number;
  }): Promise<readonly StoredCredential[]>;
  /** Whether it was there and held until now. */
  revokeCredential(id: Hash, nowMs: number): Promise<boolean>;
  /** After what is being written. */
  close(): Promise<void>;
};
