import type { Chain } from '../../chain/Chain.ts';
import type { ChainBlock, Governance } from '../../chain/Governance.ts';
import { zeroHash } from '../../core/block.ts';
import type { Hash } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { NewNotice, NoticeCheckpoint } from '../../store/GovernanceStore.ts';
import type { Store } from '../../store/Store.ts';
import type { Lease } from '../../store/WriteOptions.ts';
import { clientEvent } from './clientEvent.ts';
import { noticesOf } from './noticeOf.ts';
import { projectSubjects } from './projectSubjects.ts';

/** Blocks of the first range. Ranges grow while there is little in them, and shrink where there is much. */
const firstSpanBlocks = 1_000;
const longestSpanBlocks = 100_000;
const fewEvents = 100;
const manyEvents = 1_000;
/** Blocks without any event after which the place is stored all the same: a restart reads them again. */
const unstoredBlocks = 100;
/** Subjects that time decides in one transaction. */
const dueAtOnce = 100;

/** What the reader works with. */
export type NoticeReaderParts = {
  readonly store: Store;
  readonly chain: Pick<Chain, 'checkInstance'>;
  readonly governance: Governance;
  readonly clock: Clock;
  readonly logger: Logger;
  /** See CentreSettings.confirmations. */
  readonly confirmations: number;
};

/** What one batch came to. */
export type BatchResult = { readonly hasStored: boolean; readonly hasMore: boolean };

const nothing: BatchResult = { hasStored: false, hasMore: false };

/** Up to where the chain has been read; without a hash before the first block that can have events. */
type Place = { readonly blockNumber: number; readonly blockHash?: Hash };

/** Reads the chain's events of governance into the store, batch by batch. */
export class NoticeReader {
  readonly #parts: NoticeReaderParts;
  #at: Place | undefined;
  #storedBlock = 0;
  #spanBlocks = firstSpanBlocks;
  #isDueLeft = false;
  #newestSeconds = 0;
  /** The newest block when everything had been read. */
  #doneWith: Hash | undefined;
  #isShorter = false;

  constructor(parts: NoticeReaderParts) {
    this.#parts = parts;
  }

  /** Time of the newest block that it has seen, Unix seconds. */
  get newestSeconds(): number {
    return this.#newestSeconds;
  }

  /** Goes on from what is stored: another process may have read on. */
  forget(): void {
    this.#at = undefined;
    this.#doneWith = undefined;
  }

  /**
   * Reads one batch under a lease. What it throws leaves nothing half done; call it again.
   * @throws NotariumError of the chain and of the store.
   */
  async read(lease: Lease): Promise<BatchResult> {
    try {
      return await this.#read(lease);
    } catch (error) {
      this.forget();
      this.#spanBlocks = Math.ceil(this.#spanBlocks / 2);
      throw error;
    }
  }

  async #read(lease: Lease): Promise<BatchResult> {
    const { governance, confirmations } = this.#parts;
    const newest = await governance.newestBlock();
    this.#newestSeconds = newest.timestamp;
    if (newest.hash === this.#doneWith) return nothing;
    this.#at ??= await this.#resume();
    const at = this.#at;
    if (this.#isTooShort(newest, at)) return nothing;
    if (!(await this.#stands(at))) return await this.#walkBack(lease, at);
    const target = newest.number - confirmations + 1;
    const to = Math.min(target, at.blockNumber + this.#spanBlocks);
    if (to < at.blockNumber || (to === at.blockNumber && !this.#isDueLeft)) return nothing;
    const hasStored = await this.#readRange(lease, at, to);
    // What has not been read is not done with, though the newest block may be the same again.
    if (hasStored === undefined) return nothing;
    const hasMore = to < target || this.#isDueLeft;
    if (!hasMore) this.#doneWith = newest.hash;
    return { hasStored, hasMore };
  }

  /** @returns Whether something was stored; undefined where the chain has changed meanwhile, and nothing was read. */
  async #readRange(lease: Lease, at: Place, to: number): Promise<boolean | undefined> {
    const { store, governance, clock } = this.#parts;
    const end = await this.#block(to);
    const events = to > at.blockNumber ? await governance.events(at.blockNumber + 1, to) : [];
    const notices = noticesOf(events);
    const due = await store.dueSubjects(end.timestamp, dueAtOnce);
    const subjects = new Set([...notices.map(({ subject }) => subject), ...due]);
    const { projections, decisions } = await projectSubjects(this.#parts, subjects, notices, end);
    // What was read is of one chain only if both its ends still are where they were.
    const endNow = await this.#block(to);
    if (endNow.hash !== end.hash || !(await this.#stands(at))) {
      this.forget();
      return undefined;
    }
    const checkpoint: NoticeCheckpoint = { blockNumber: to, blockHash: end.hash };
    const told = inOrder([...notices, ...decisions]).map((notice) => withEvent(notice, clock.nowMs()));
    const isNews = told.length > 0 || projections.length > 0;
    if (isNews || to - this.#storedBlock >= unstoredBlocks) {
      await store.saveNotices({ checkpoint, notices: told, projections }, { lease });
      this.#storedBlock = to;
    }
    this.#at = checkpoint;
    this.#isDueLeft = due.length === dueAtOnce;
    if (events.length > manyEvents) this.#spanBlocks = Math.ceil(this.#spanBlocks / 2);
    else if (events.length < fewEvents) this.#spanBlocks = Math.min(longestSpanBlocks, 2 * this.#spanBlocks);
    return isNews;
  }

  async #resume(): Promise<Place> {
    const { store, governance } = this.#parts;
    const [newest] = await store.noticeCheckpoints(1);
    const at: Place = newest ?? { blockNumber: (await governance.firstBlock()) - 1 };
    this.#storedBlock = at.blockNumber;
    return at;
  }

  /** A node that is behind, or a reorganisation that is not over: neither says what became of the blocks. */
  #isTooShort(newest: ChainBlock, { blockNumber }: Place): boolean {
    const isShorter = newest.number < blockNumber;
    if (isShorter && !this.#isShorter) {
      const data = { newestBlock: newest.number, readUpTo: blockNumber };
      this.#parts.logger.warn(data, 'the chain is shorter than it was: waiting until it has grown again');
    }
    this.#isShorter = isShorter;
    return isShorter;
  }

  async #stands({ blockNumber, blockHash }: Place): Promise<boolean> {
    return blockHash === undefined || (await this.#block(blockNumber)).hash === blockHash;
  }

  async #block(blockNumber: number): Promise<ChainBlock> {
    const block = await this.#parts.governance.blockAt(blockNumber);
    if (!block) throw new NotariumError('chain-answer-invalid', `no block ${blockNumber}, below the newest one`);
    return block;
  }

  /** Goes back to the newest stored place that still is on the chain. */
  async #walkBack(lease: Lease, { blockNumber }: Place): Promise<BatchResult> {
    const { store, chain, governance, logger } = this.#parts;
    // Of another chain, nothing would stand.
    await chain.checkInstance();
    const stored = await store.noticeCheckpoints();
    const place = stored[await this.#firstStanding(stored)];
    this.forget();
    // Only blocks without any event were replaced.
    if (place && place === stored[0]) return nothing;
    const toBlock = place?.blockNumber ?? (await governance.firstBlock()) - 1;
    const subjects = new Set(await store.subjectsAbove(toBlock));
    // Time decides nothing here: it does so anew when the blocks above have been read.
    const confirmed = { number: toBlock, hash: zeroHash, timestamp: 0 };
    const { projections } = await projectSubjects(this.#parts, subjects, [], confirmed);
    await store.rewindNotices({ toBlock, projections }, { lease });
    logger.warn({ fromBlock: blockNumber, toBlock }, 'a reorganisation of the chain: its notices are read again');
    // Not at once: a chain that changes under the reader is given time.
    return { hasStored: true, hasMore: false };
  }

  /** Of checkpoints, newest first: once one stands, all older ones do. */
  async #firstStanding(checkpoints: readonly NoticeCheckpoint[]): Promise<number> {
    let [low, high] = [0, checkpoints.length];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (await this.#stands(checkpoints[middle]!)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function inOrder(notices: readonly NewNotice[]): NewNotice[] {
  // Stable: a decision stands behind what decided it.
  return [...notices].sort(({ place: a }, { place: b }) => a.blockNumber - b.blockNumber || a.logIndex - b.logIndex);
}

function withEvent(notice: NewNotice, nowMs: number): NewNotice {
  const event = clientEvent(notice, nowMs);
  return event ? { ...notice, event } : notice;
}
