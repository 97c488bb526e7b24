import type { Hash } from '../core/bytes.ts';
import type { NewEvent, WriteOptions } from './WriteOptions.ts';

/** Where an event of the contracts stands on the chain. */
export type NoticePlace = {
  readonly blockNumber: number;
  readonly blockHash: Hash;
  readonly logIndex: number;
  readonly transactionHash: Hash;
  /** Of the block, Unix seconds. */
  readonly timestamp: number;
};

/** What was read of the chain, to be kept. */
export type NewNotice = {
  /** What the event means, wherever it stands: the same meaning in another block is the same notice. */
  readonly identity: string;
  /** What it is about: the id of a proposal, or `<resource set>:<version>`. */
  readonly subject: string;
  readonly type: string;
  readonly place: NoticePlace;
  readonly data: Readonly<Record<string, unknown>>;
  /** Appended for clients when the notice is told for the first time, and never again. */
  readonly event?: NewEvent;
};

/** A notice as kept: `seq` begins at 1 and grows in the order in which the notices were first seen. */
export type StoredNotice = Omit<NewNotice, 'event'> & {
  readonly seq: number;
  /** A reorganisation took it off the chain, and it has not come back. */
  readonly isOrphaned: boolean;
};

/** A block up to which the chain has been read. */
export type NoticeCheckpoint = { readonly blockNumber: number; readonly blockHash: Hash };

/** What follows from the notices of one subject, as the reader of the chain sees it. */
export type Projection = {
  readonly subject: string;
  readonly kind: 'proposal' | 'version';
  /** Plain JSON; undefined where nothing of the subject is on the chain any more. */
  readonly body: Readonly<Record<string, unknown>> | undefined;
  /** Time of the chain, Unix seconds, from which on it changes without another notice; left out where it never does. */
  readonly dueAt?: number;
};

/** A projection as kept; `seq` is that of the subject's first notice. */
export type StoredProjection = Omit<Projection, 'dueAt'> & {
  readonly seq: number;
  readonly body: Readonly<Record<string, unknown>>;
};

/** The part of the store about what the chain said of proposals and resource sets. */
export type GovernanceStore = {
  /** Newest first. */
  noticeCheckpoints(limit?: number): Promise<NoticeCheckpoint[]>;
  /** Notices about a subject that are on the chain, in chain order. */
  noticesAbout(subject: string): Promise<StoredNotice[]>;
  /** Subjects of the notices in blocks above a number. */
  subjectsAbove(blockNumber: number): Promise<string[]>;
  /**
   * Keeps what was read up to a block: notices, what follows from them, events and the place in the chain, in one
   * transaction. A notice that is there already gets its new place and data, and its event is not appended again.
   */
  saveNotices(
    read: {
      readonly checkpoint: NoticeCheckpoint;
      readonly notices: readonly NewNotice[];
      readonly projections: readonly Projection[];
    },
    options?: WriteOptions,
  ): Promise<void>;
  /** Subjects whose projections change by time alone up to a second, those that are due first before the others. */
  dueSubjects(seconds: number, limit: number): Promise<string[]>;
  /** Goes back to an older place in the chain: what stands above it is orphaned until it is read again. */
  rewindNotices(
    rewind: { readonly toBlock: number; readonly projections: readonly Projection[] },
    options?: WriteOptions,
  ): Promise<void>;
  /** Notices of a type or of all after a seq, oldest first; orphaned ones are left out. */
  governanceEvents(afterSeq: number, limit: number, type?: string): Promise<StoredNotice[]>;
  projection(subject: string): Promise<StoredProjection | undefined>;
  /** Newest first. */
  projections(query: {
    readonly kind: Projection['kind'];
    readonly beforeSeq?: number;
    /** Only subjects that begin with this. */
    readonly prefix?: string;
    readonly limit: number;
  }): Promise<StoredProjection[]>;
  /** Notes that a document of the evidence store may be given to whoever asks for it by its hash. */
  addContent(hash: Hash, sizeBytes: number): Promise<void>;
  hasContent(hash: Hash): Promise<boolean>;
};
