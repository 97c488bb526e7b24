import type { Readable } from 'node:stream';
import type { Refusal } from '../core/acceptance.ts';
import type { Anchor } from '../core/block.ts';
import type { Hash } from '../core/bytes.ts';
import type { Frontier } from '../core/log/compactRange.ts';
import type { NodeReader } from '../core/log/proof.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { AdmissionStore } from './AdmissionStore.ts';
import type { BallotStore } from './BallotStore.ts';
import type { GovernanceStore } from './GovernanceStore.ts';
import type { Leaf, Tree } from './inclusionPaths.ts';
import type { AdmitOutcome, FoundRecord, PoolCut, PoolLeaves, PoolPromise, PoolRow, PoolStatus } from './PoolRow.ts';
import type { ResourceStore } from './ResourceStore.ts';
import type { AnchoredBlock, BlockPatch, KeptHeader, NewBlock, SeqRange, StoredBlock, Vote } from './StoredBlock.ts';
import type { WebhookStore } from './WebhookStore.ts';
import type { Lease, NewEvent, WriteOptions } from './WriteOptions.ts';

/** Credentials of an S3-compatible service. */
export type S3Credentials = { readonly accessKeyId: string; readonly secretAccessKey: string };

/** Where a store keeps its things, and whose they are. */
export type StoreOptions = {
  /** Folder of the database file, `log/`, `evidence/` and the lock. Made when missing. */
  readonly dataDir: string;
  /** `postgres://…`: PostgreSQL in place of the embedded SQLite database. */
  readonly databaseUrl?: string;
  /** A connection to PostgreSQL on which nothing comes for that long is given up; a minute when left out. */
  readonly databaseAnswerMs?: number;
  /** Folder `<dataDir>/log` when left out; `s3://bucket/prefix?endpoint=…&region=…`. */
  readonly logUrl?: string;
  /** Folder `<dataDir>/evidence` when left out; `s3://…` as above. */
  readonly evidenceUrl?: string;
  readonly s3?: S3Credentials;
  /**
   * `networkName()`; another one in the folder is `store-network-mismatch`. Without it and `instance` the database must be
   * some network's already.
   */
  readonly network?: string;
  /** Hash of the chain's first block: tells two chains with one id apart. Another one is `store-network-mismatch`. */
  readonly instance?: string;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** Bytes of log tiles and entry bundles kept in memory; 8 MiB when left out. */
  readonly cacheBytes?: number;
  /**
   * What to do with a damaged database file: `throw` store-corrupt, or `setAside`: rename it, begin a new one and copy
   * over what is still readable (pool, votes, refusals, keys). For `notarium rebuild`. SQLite only.
   */
  readonly onDamage?: 'throw' | 'setAside';
};

/** An event as kept: `seq` begins at 1 and grows by one without gaps. */
export type StoredEvent = NewEvent & { readonly seq: number };

/** An API key without its secret. Times are RFC 3339. */
export type ApiKeyRow = {
  readonly id: string;
  /** SHA-256 of the secret. */
  readonly hash: Uint8Array;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly createdAt: string;
  readonly revokedAt?: string;
};

/** What to look for; every given field must fit. `after` is the cursor of the page before. */
export type SearchQuery = {
  readonly digest?: Uint8Array;
  readonly subject?: string;
  readonly submitter?: Uint8Array;
  readonly after?: string;
  readonly limit: number;
};

/** One page in log order. */
export type SearchPage = {
  readonly hits: readonly { readonly leafIndex: number; readonly entry: Uint8Array }[];
  readonly next?: string;
};

/** Progress of long work, for a progress bar. */
export type Progress = (done: number, total: number) => void;

/** What a rebuild did. */
export type RebuildReport = {
  readonly logSize: number;
  readonly blocks: number;
  /** Hash tiles that were made again from the entries. */
  readonly mendedTiles: readonly string[];
  /** Anchored blocks at the end whose records are not in the tiles: still in the pool, or left out (`allowMissing`). */
  readonly missingBlocks: number;
  /** Rows copied from a database set aside when the store was opened. */
  readonly salvaged: SalvageReport | undefined;
};

/** What could be read of a damaged database. `complete` is false where a table could not be read to its end. */
export type SalvageReport = {
  /** Where the damaged file now is. */
  readonly path: string;
  readonly rows: Readonly<Record<string, number>>;
  readonly complete: boolean;
};

/** Evidence kept by its SHA-256. */
export type EvidenceStore = {
  /** Keeps a stream durably; content that is there already is not written twice. */
  put(content: Readable): Promise<{ digest: Uint8Array; sizeBytes: number }>;
  get(digest: Uint8Array): Promise<Readable | undefined>;
  has(digest: Uint8Array): Promise<boolean>;
};

/**
 * All that a centre keeps. Every write is on disk (fsync) before its promise resolves. Errors: `storage-full` and
 * `storage-failed` (nothing of the call was written, a later call may succeed), `store-corrupt`, `tile-corrupt`.
 */
export type Store = GovernanceStore &
  BallotStore &
  ResourceStore &
  WebhookStore &
  AdmissionStore & {
    /** `sqlite` or `postgres`. */
    readonly engine: 'sqlite' | 'postgres';

    /**
     * Takes rows into the pool in ONE durable transaction. Answers in order. Of rows with the same id the first wins;
     * of rivals for one predecessor too. A row whose predecessor is earlier in the same array is fine.
     */
    admit(rows: readonly PoolRow[]): Promise<AdmitOutcome[]>;
    /** Cheap: counters. Rows in live blocks count until their block is committed. */
    poolStatus(): Promise<PoolStatus>;
    /** The oldest rows that are in no live block (sealed, submitted, anchored), oldest first. */
    poolCut(limit: number): Promise<PoolCut>;
    /**
     * Ids of free rows that were promised for a slot before this one. Looks at the oldest `limit` rows only: promises are
     * made in the order of rows.
     */
    overdue(slot: number, limit: number): Promise<Uint8Array[]>;
    /**
     * Notes, on disk when it resolves, that this centre promises what came from another one, for the given slot where the
     * row's own is an earlier one: such rows are watched ({@link overdue}) from now on. Those that it has promised already,
     * and those that are not in the pool, stay as they are.
     */
    promise(ids: readonly Uint8Array[], terms: Pick<PoolPromise, 'includeBySlot' | 'acceptance'>): Promise<void>;
    /** Moves rows from the pool to the refusals. A row in a live block is left alone and makes the call fail. */
    refuse(
      items: readonly { readonly id: Uint8Array; readonly refusal: Refusal }[],
      options?: WriteOptions,
    ): Promise<void>;

    /**
     * Notes what this centre is about to sign; durable when it resolves. The same hash again is fine.
     * @throws NotariumError `vote-conflict` for a second, different hash in a slot (data.have, data.want), and in a slot that is
     *   closed (data.have is null where its vote is not known any more).
     */
    vote(vote: Vote, options?: WriteOptions): Promise<void>;
    voteOf(slot: number): Promise<Vote | undefined>;
    /** Whether all that this centre has signed is known here; not in a database that is new, restored or salvaged. */
    hasAllVotes(): Promise<boolean>;
    /** Gives no new vote in slots up to this one; all others are known from now on ({@link hasAllVotes}). */
    closeVotes(slot: number): Promise<void>;
    /** Closes slots up to this one, and forgets their votes, but for blocks whose signatures the chain does not show. */
    pruneVotes(slot: number, options?: WriteOptions): Promise<void>;
    /** Keeps headers that publishers have signed, by the hash of each, and forgets those of slots before `fromSlot`. */
    keepHeaders(headers: readonly KeptHeader[], fromSlot: number): Promise<void>;
    /** All that are kept, oldest slot first. */
    keptHeaders(): Promise<KeptHeader[]>;
    /** Saves a sealed block over pool rows. Its height must follow the newest live block. */
    saveBlock(block: NewBlock, range: SeqRange, options?: WriteOptions): Promise<void>;
    /** @throws NotariumError `block-not-found`; RangeError for an illegal next state. */
    updateBlock(height: number, patch: BlockPatch, options?: WriteOptions): Promise<void>;
    /**
     * Makes the block and all that stand on it void: their records are cut first again. Nothing happens where the height
     * has no live block. @throws RangeError for an anchored one (its anchor must vanish first).
     */
    voidBlock(height: number, options?: WriteOptions): Promise<void>;
    /**
     * Takes a void block back because the chain anchored it after all; live blocks from its height on become void; what was
     * refused since although it is in the block is in the pool again.
     * @throws NotariumError `block-not-found`; RangeError where it does not follow the newest committed block.
     */
    adoptBlock(hash: Hash, anchor: Anchor, options?: WriteOptions): Promise<void>;
    /**
     * Takes a block of the chain as committed whose records are all in the log already, after {@link orphanBlocks}; the
     * caller has compared its root with the log's. Live blocks from its height on become void.
     * @throws RangeError where it does not follow the newest committed block, or goes beyond the log.
     */
    adoptLogged(block: AnchoredBlock, options?: WriteOptions): Promise<void>;
    /**
     * Forgets the committed blocks above a height after a deep reorganisation of the chain, and makes live ones void; the
     * log (tiles, size, indexes) stays as it is. The next block, at height + 1, covers the rest of the log too: its range
     * holds only rows beyond the log and may be empty (all zero).
     */
    orphanBlocks(aboveHeight: number, options?: WriteOptions): Promise<void>;
    /**
     * Whether the log contradicts a block of the chain after {@link orphanBlocks}. The entries are those from the end of the
     * newest committed block to the end of this one; nothing is changed.
     * @throws NotariumError `block-invalid` when they do not lead to the block's root: then they prove nothing.
     */
    isForkedBy(block: AnchoredBlock, entries: AsyncIterable<readonly Uint8Array[]>): Promise<boolean>;
    /**
     * Takes the log back to the end of the newest committed block, after {@link orphanBlocks}: what stands beyond goes into the
     * pool, in its order and before all that is there, under the promise given; live blocks become void, void ones are
     * forgotten. One transaction. Answers how many records went back.
     */
    rollBackLog(promise: PoolPromise, options?: WriteOptions): Promise<number>;
    /**
     * Moves the records of an anchored block from the pool into the log. Blocks are committed in order of height.
     * Idempotent; redone from the beginning after a crash at any point.
     */
    commitBlock(height: number, options?: WriteOptions): Promise<void>;
    /**
     * Takes blocks of other centres, which the chain vouches for and which follow one another, into the log: their entries
     * come in log order, from the log's present end, and are checked against the root of every block before anything changes.
     * What the pool has of them leaves it; live blocks from the first one's height on become void. Memory stays constant; a
     * crash leaves the log as it was.
     * @throws NotariumError `block-invalid` when the entries are not those of the blocks; RangeError where they do not follow
     *   the newest committed block, or one another.
     */
    importBlocks(
      blocks: readonly AnchoredBlock[],
      entries: AsyncIterable<readonly Uint8Array[]>,
      options?: WriteOptions,
    ): Promise<void>;
    /**
     * As {@link importBlocks}, of one block, and of records that the pool holds, each in the very form of the block: `seqs` are their rows in log
     * order. Answers whether that was so; where not, nothing has changed.
     */
    importPooled(block: AnchoredBlock, seqs: Float64Array, options?: WriteOptions): Promise<boolean>;
    /** The live or committed block of the height. */
    block(height: number): Promise<StoredBlock | undefined>;
    /** Whether the block is here in any state, void ones too. */
    knowsBlock(hash: Hash): Promise<boolean>;
    /** The newest live or committed block. */
    latestBlock(): Promise<StoredBlock | undefined>;
    /** The newest committed block. */
    committedBlock(): Promise<StoredBlock | undefined>;
    /** Live and committed blocks, highest first. */
    blocks(query: { readonly before?: number; readonly limit: number }): Promise<StoredBlock[]>;
    /** Blocks that are sealed, submitted or anchored, lowest first. */
    liveBlocks(): Promise<StoredBlock[]>;
    /** The committed block that brought a record into the log. */
    blockOfLeaf(leafIndex: number): Promise<StoredBlock | undefined>;

    /** Records in the committed log, as of the last write or {@link refresh}. Shrinks by {@link rollBackLog} alone. */
    logSize(): number;
    /** Frontier of the committed log, or of the log after the newest live block: what the next block grows from. */
    frontier(of?: 'committed' | 'latest'): Promise<Frontier>;
    /** @throws NotariumError `tile-not-found` outside of the log; `tile-corrupt`. */
    entry(leafIndex: number): Promise<Uint8Array>;
    /** Hash tile or entry bundle (`entries`) of the committed log; undefined where the log has no such tile. */
    readTile(level: number | 'entries', index: number, width: number): Promise<Uint8Array | undefined>;
    /** Hashes of the committed log for core/log/proof, for any size up to {@link logSize}. */
    nodeReader(treeSize: number): NodeReader;
    /**
     * Inclusion path of an entry in a block's tree, in lower-case hexadecimal digits from leaf to root, checked against the
     * block's root. @throws NotariumError `tile-corrupt` { path, leafIndex }.
     */
    inclusionPath(leaf: Leaf, tree: Tree): Promise<readonly string[]>;
    findRecord(id: Uint8Array): Promise<FoundRecord | undefined>;
    /** The record that supersedes this one, in the pool or in the log. */
    successorOf(id: Uint8Array): Promise<Uint8Array | undefined>;
    search(query: SearchQuery): Promise<SearchPage>;

    /** Ids (32 bytes each) of pool rows after a seq, oldest first, and the seq to go on from; up to `lastSeq` where given. */
    poolIds(query: {
      readonly afterSeq: number;
      readonly lastSeq?: number;
      readonly limit: number;
    }): Promise<{ readonly ids: Uint8Array; readonly lastSeq: number }>;
    /** Whether each record is in the pool, in the log, or refused. */
    hasRecords(ids: readonly Uint8Array[]): Promise<boolean[]>;
    /**
     * Whether each of these records, all of them known once, is in the log. By the index alone, without reading the entries:
     * for many at a time.
     */
    areLogged(ids: readonly Uint8Array[]): Promise<boolean[]>;
    /** The pool rows of records, whose ids (32 bytes each) come in one piece. */
    poolLeaves(ids: Uint8Array): Promise<PoolLeaves>;
    /** Entries of records, wherever they are; undefined for a stranger. */
    entriesOf(ids: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]>;
    /** Free pool rows whose predecessor another record of the log has superseded, with that one. */
    rivals(limit: number): Promise<{ readonly id: Uint8Array; readonly winner: Uint8Array }[]>;

    appendEvent(event: NewEvent): Promise<number>;
    eventsAfter(seq: number, limit: number): Promise<StoredEvent[]>;
    lastEventSeq(): Promise<number>;

    createKey(key: ApiKeyRow): Promise<void>;
    listKeys(): Promise<ApiKeyRow[]>;
    /** Revoked keys too: look at `revokedAt`. */
    findKeyByHash(hash: Uint8Array): Promise<ApiKeyRow | undefined>;
    /** false when there is no such key. A second time keeps the first date. */
    revokeKey(id: string, revokedAt: string): Promise<boolean>;

    getMeta(name: string): Promise<string | undefined>;
    setMeta(name: string, value: string): Promise<void>;

    /** The lease, or undefined while another owner holds it. The same owner gets it again with a higher token. */
    acquireLease(name: string, owner: string, periodMs: number): Promise<Lease | undefined>;
    /** undefined when it has been lost. */
    renewLease(lease: Lease, periodMs: number): Promise<Lease | undefined>;
    releaseLease(lease: Lease): Promise<void>;

    readonly evidence: EvidenceStore;

    /** Sees what other processes on the same database have committed. Cheap; nothing to do on SQLite. */
    refresh(): Promise<void>;
    /** Quick integrity check. @throws NotariumError `store-corrupt`, `tile-corrupt` (the newest tiles). */
    check(): Promise<void>;
    /** Reads the whole log and compares it with its blocks. @throws NotariumError `tile-corrupt` {path}. */
    verifyLog(onProgress?: Progress): Promise<void>;
    /**
     * Fills indexes, blocks and log size anew from the tiles, which it first checks against the blocks' roots; mends hash
     * tiles from entries. @throws NotariumError `tile-corrupt` {path} for entries that are damaged or missing.
     */
    rebuildFromTiles(source: {
      readonly blocks: readonly AnchoredBlock[];
      /** Restore what is there, though the records of later blocks are neither in the log nor in the pool. */
      readonly allowMissing?: boolean;
      readonly onProgress?: Progress;
    }): Promise<RebuildReport>;
    close(): Promise<void>;
  };
