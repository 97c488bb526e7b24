import { publisherOf, slotAt } from '../core/committee.ts';
import { isNotariumError, NotariumError } from '../core/errors.ts';
import { every, type Loop } from '../lib/every.ts';
import { silentLogger } from '../lib/logger.ts';
import type { StoredBlock } from '../store/StoredBlock.ts';
import type { Lease } from '../store/WriteOptions.ts';
import { advanceBlock, type BlockStep } from './advanceBlock.ts';
import { BlockSize } from './BlockSize.ts';
import type { CentreParts } from './CentreParts.ts';
import { pruneVotes } from './lostVotes.ts';
import { fatalCodes } from './Problems.ts';
import { ProcessLease, renewMs } from './ProcessLease.ts';
import { checkHistory, reconcile } from './reconcile.ts';
import { sealBlock } from './sealBlock.ts';
import { watchPromises } from './watchPromises.ts';

const longestPauseMs = 4_000;
const prunedAfterBlocks = 64;

/** Problems that are over when chain and data folder have been compared. */
const instanceCodes = [
  'chain-forgot-anchors',
  'log-forked',
  'store-behind-chain',
  'chain-mismatch',
  'chain-contract-missing',
] as const;

/** Problems that are over when a step with the store has gone well. */
const storeCodes = ['internal', 'storage-full', 'storage-failed'] as const;

/**
 * Publishes: seals a block in each slot that is this centre's turn, and takes it through to the committed log. One block
 * is on its way at a time. Of several processes on one database, the one with the lease publishes.
 */
export class Publisher {
  #parts: CentreParts;
  #onChange: () => void;
  #stop = new AbortController();
  #loops: Loop[] = [];
  #lease: ProcessLease;
  #size: BlockSize;
  #reconciled = false;
  #lastSlot = -1;
  #slotOfAnother: number | undefined;
  #isPublishing: boolean;
  #settled = false;
  /** On the monotonic counter. */
  #lookedMs = Number.NEGATIVE_INFINITY;
  #retryMs = 0;
  #isHinted = false;
  /** On the monotonic counter: until then nobody's hint counts. */
  #deafUntilMs = 0;
  #pauseMs = 0;
  #prunedHeight = 0;
  /** The last step has found nothing to do, and nothing has come since. */
  #isStill = false;
  #changes = 0;

  /**
   * `onChange` is called after each step that others may be waiting for. Without `isPublishing`, chain and clock are
   * watched, and nothing is published.
   */
  constructor(parts: CentreParts, onChange: () => void, isPublishing: boolean) {
    this.#parts = parts;
    this.#onChange = onChange;
    this.#isPublishing = isPublishing;
    this.#size = new BlockSize(parts.problems, parts.settings.maxBlockRecords);
    this.#lease = new ProcessLease('publisher', parts, () => {
      this.#reconciled = false;
    });
  }

  /**
   * Looks at chain and clock once, and then goes on in the background.
   * @throws NotariumError one of {@link fatalCodes}: then nothing has been started.
   */
  async start(): Promise<void> {
    try {
      await this.#look(await this.#holdLease());
    } catch (error) {
      if (isNotariumError(error) && fatalCodes.has(error.code)) {
        await this.close();
        throw error;
      }
      this.#report(error);
    }
    // What fails is reported below, once, not at every run.
    const common = { signal: this.#stop.signal, logger: silentLogger };
    this.#loops = [
      every(this.#parts.settings.tickMs, () => this.#tick(), {
        ...common,
        name: 'publisher',
        onFailure: (error) => this.#report(error),
      }),
      // A step may take longer than the lease. What fails here, fails the step too, which says so.
      every(renewMs, () => this.#lease.renew(), { ...common, name: 'lease' }),
    ];
  }

  /**
   * Looks at the chain at the next step: something has happened there, as another centre says. Where nothing has, the next
   * hint waits for half a period, or a liar could have us ask the chain at every step.
   */
  lookSoon(): void {
    this.#isHinted = true;
  }

  /** Records have come into the pool. */
  poolChanged(): void {
    this.#changes++;
    this.#isStill = false;
  }

  /** Ends after the step under way; a block on its way is taken up again at the next start. */
  async close(): Promise<void> {
    this.#stop.abort();
    for (const { done } of this.#loops) await done;
    await this.#lease.release();
  }

  async #tick(): Promise<void> {
    const { store, problems, settings, periodSeconds } = this.#parts;
    if (performance.now() < this.#retryMs) return;
    const changes = this.#changes;
    const lease = await this.#holdLease();
    // Also when there is nothing to publish: who asks must hear that the chain is away, or another one.
    const isHinted = this.#isHinted && performance.now() >= this.#deafUntilMs;
    const isDue = isHinted || performance.now() - this.#lookedMs >= Math.max(settings.watchMs, periodSeconds * 1000);
    const isLooking = isDue || (lease !== undefined && !this.#reconciled);
    if (isLooking) {
      this.#isHinted = false;
      this.#isStill = false;
      const logSize = store.logSize();
      await this.#look(lease);
      if (isHinted && store.logSize() === logSize) this.#deafUntilMs = performance.now() + periodSeconds * 500;
    }
    if (!lease) {
      // Nothing else of this process would show that the store works again.
      if (isLooking) await this.#storeIsWell();
      return this.#well();
    }
    if (this.#isStill && problems.list().length === 0) return;
    const [live] = await store.liveBlocks();
    if (live) {
      const step = await this.#advance(live, lease);
      // A block that is given up may mean that the chain holds another one: look before sealing anew.
      if (step === 'void' || (step === 'committed' && !this.#settled)) this.#reconciled = false;
      this.#onChange();
      await this.#storeIsWell();
      if (step !== 'committed' || !this.#reconciled) return this.#well();
    }
    const sealing = await this.#seal(lease);
    if (sealing === 'sealed') this.#onChange();
    this.#well();
    await this.#storeIsWell();
    problems.clear('vote-conflict', 'quorum-unreachable');
    // Another process on the same database may take records, and tells nobody.
    this.#isStill = sealing === 'nothing' && !live && store.engine === 'sqlite' && changes === this.#changes;
  }

  /** Whether the chain still is the one that the data folder belongs to, and the clock right. */
  async #look(lease: Lease | undefined): Promise<void> {
    const { store, chain, clock, problems, periodSeconds } = this.#parts;
    const logSize = store.logSize();
    // Another process may have published since: with the size of before, a block would get a wrong root, and receipts old anchors.
    await store.refresh();
    await chain.checkInstance();
    if (lease) {
      this.#settled = await reconcile(this.#parts, lease);
      this.#reconciled = true;
      await this.#pruneVotes();
      await watchPromises(this.#parts, slotAt(clock.nowMs(), periodSeconds));
    } else {
      await checkHistory(this.#parts);
    }
    const wasWrong = problems.clear(...instanceCodes);
    // A block of another centre is what some wait for, too, and makes room in the pool.
    if (wasWrong || !this.#settled || store.logSize() !== logSize) this.#onChange();
    await this.#checkClock().catch((error: unknown) => {
      // A block on its way goes on: the chain's clock decides about it.
      if (!isNotariumError(error, 'clock-skewed')) throw error;
      this.#report(error);
    });
    this.#lookedMs = performance.now();
  }

  async #pruneVotes(): Promise<void> {
    const height = (await this.#parts.store.committedBlock())?.header.height ?? 0;
    if (height < this.#prunedHeight + prunedAfterBlocks) return;
    await pruneVotes(this.#parts, height);
    this.#prunedHeight = height;
  }

  /** `nothing`: there is no record that the log lacks. */
  async #seal(lease: Lease): Promise<'sealed' | 'nothing' | 'later'> {
    const { store, chain, clock, problems, periodSeconds, signer } = this.#parts;
    const slot = slotAt(clock.nowMs(), periodSeconds);
    if (slot <= this.#lastSlot || slot === this.#slotOfAnother) return 'later';
    const previous = await store.committedBlock();
    this.#size.reached(previous?.header.height ?? 0);
    const isCovered = store.logSize() === (previous?.header.treeSize ?? 0);
    if (isCovered && (await store.poolStatus()).count === 0) return 'nothing';
    const committee = await chain.committee();
    if (!committee.members.includes(signer.address)) {
      throw new NotariumError('not-in-committee', signer.address, { data: { epoch: committee.epoch } });
    }
    problems.clear('not-in-committee');
    if (publisherOf(committee, slot) !== signer.address) {
      // The chain need not be asked again, ten times a second, before the next slot.
      this.#slotOfAnother = slot;
      return 'later';
    }
    if (slot <= (previous?.header.slot ?? -1)) return 'later';
    await this.#checkClock();
    // Another centre's block may have come since the last look.
    if (this.#parts.replication && (await chain.head()) !== (previous?.header.height ?? 0)) {
      this.#reconciled = false;
      return 'later';
    }
    // Here too: a promise may have ended with the slot before, and nobody looks again before the record is sealed.
    await watchPromises(this.#parts, slot);
    const block = await sealBlock(this.#parts, slot, committee, lease, this.#size.records).catch(async (error) => {
      if (isNotariumError(error, 'quorum-unreachable')) this.#size.hadNoQuorum((await store.poolStatus()).count);
      throw error;
    });
    this.#lastSlot = slot;
    if (block) await this.#advance(block, lease);
    return block ? 'sealed' : 'later';
  }

  async #advance(block: StoredBlock, lease: Lease): Promise<BlockStep> {
    const step = await advanceBlock(this.#parts, block, lease);
    if (step === 'void') this.#size.wasVoid(block.header.height);
    return step;
  }

  async #checkClock(): Promise<void> {
    await this.#parts.clockGuard.check();
    this.#parts.problems.clear('clock-skewed');
  }

  async #holdLease(): Promise<Lease | undefined> {
    return this.#isPublishing ? await this.#lease.hold() : undefined;
  }

  async #storeIsWell(): Promise<void> {
    const { store, problems } = this.#parts;
    problems.clear(...storeCodes);
    if (!problems.has('tile-corrupt')) return;
    // Reads the newest tiles, from which the publisher goes on.
    await store.frontier();
    problems.clear('tile-corrupt');
  }

  #well(): void {
    const { problems, logger } = this.#parts;
    this.#pauseMs = 0;
    const over = problems.clear(
      'chain-unreachable',
      'chain-answer-invalid',
      'chain-funds-missing',
      'chain-fees-too-high',
      'chain-anchor-rejected',
      'block-invalid',
      'block-unavailable',
    );
    if (over) logger.info({}, 'publishing again');
  }

  #report(error: unknown): void {
    const { problems, logger } = this.#parts;
    // Said once, and shown until it is over: a chain that is down for an hour is one line, not 36,000.
    if (problems.raiseError(error)) logger.error({ err: error }, 'publishing waits');
    if (isNotariumError(error) && (error.code === 'chain-unreachable' || fatalCodes.has(error.code))) {
      this.#reconciled = false;
    }
    // What has a hard time is not helped by being asked ten times a second.
    this.#pauseMs = Math.min(longestPauseMs, Math.max(250, 2 * this.#pauseMs));
    this.#retryMs = performance.now() + this.#pauseMs;
  }
}
