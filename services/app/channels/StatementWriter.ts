import type { Hash } from '../../core/bytes.ts';
import { maxLocks } from '../../core/channels/state.ts';
import { errorTable, isNotariumError } from '../../core/errors.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { ChannelStore } from '../../store/channels/ChannelStore.ts';
import type { EvidenceKeeper, KeptEvidence } from './EvidenceKeeper.ts';
import { verifierMemoryOf } from './memoryJson.ts';
import { readOfferNote } from './offerNote.ts';

/** What a {@link StatementWriter} works with. */
export type StatementWriterParts = {
  readonly store: ChannelStore;
  readonly evidence: EvidenceKeeper;
  readonly clock: Clock;
  readonly logger: Logger;
};

/** Updates of one channel whose second statements may be missing beside the evidence at a time. */
const mostBehind = 4;
/** Bills that a crash can have left without them, of one channel. */
const mostBills = mostBehind * maxLocks;
const retryMs = 1_000;
const channelPage = 256;

/**
 * Puts second statements beside the evidence, and lets evidence go that was not paid for: after the answer has left, since all of it is
 * safe in the database. An update waits where too many are behind, so that what a crash may have prevented is known to be little, and is
 * made good by {@link StatementWriter.catchUp}.
 */
export class StatementWriter {
  readonly #parts: StatementWriterParts;
  readonly #stop = new AbortController();
  readonly #jobs = new Map<Hash, Set<Promise<void>>>();
  #isBehind = false;

  constructor(parts: StatementWriterParts) {
    this.#parts = parts;
  }

  /** Waits until an update of the channel may be taken. */
  async room(channelId: Hash): Promise<void> {
    for (;;) {
      const jobs = this.#jobs.get(channelId);
      if (!jobs || jobs.size < mostBehind || this.#stop.signal.aborted) return;
      await Promise.race(jobs);
    }
  }

  /** Begins with what an update has led to. A store that fails is tried again. */
  add(channelId: Hash, paid: readonly KeptEvidence[], unpaid: readonly Hash[]): void {
    if (paid.length + unpaid.length === 0) return;
    const jobs = this.#jobs.get(channelId) ?? new Set();
    const job = this.#work(channelId, async () => {
      if (paid.length > 0) await this.#parts.evidence.keep(paid);
      for (const digest of unpaid) await this.#release(channelId, digest);
    }).finally(() => {
      jobs.delete(job);
      if (jobs.size === 0) this.#jobs.delete(channelId);
    });
    this.#jobs.set(channelId, jobs.add(job));
  }

  /**
   * Looks through the newest bills of all channels that have not ended, one channel after the other, and writes what is missing.
   * @returns Whether it came to the end before the signal.
   */
  async catchUp(signal: AbortSignal): Promise<boolean> {
    const { store } = this.#parts;
    for (let after: Hash | undefined; ; ) {
      const page = { limit: channelPage, ...(after === undefined ? {} : { after }) };
      const rows = await store.channels({ role: 'verifier', withoutState: 'settled', ...page });
      for (const { channelId, memory } of rows) {
        if (signal.aborted) return false;
        await this.#work(channelId, () => this.#mend(channelId, verifierMemoryOf(memory, []).ledger.evidence.size));
      }
      if (rows.length < channelPage) return !this.#isBehind;
      after = rows.at(-1)!.channelId;
    }
  }

  /** Resolves when nothing is on its way any more. @returns Whether all is written. */
  async stop(): Promise<boolean> {
    this.#stop.abort();
    await Promise.all([...this.#jobs.values()].flatMap((jobs) => [...jobs]));
    return !this.#isBehind;
  }

  async #mend(channelId: Hash, size: number): Promise<void> {
    const { store, evidence, logger } = this.#parts;
    const bills = await store.evidence(channelId, Math.max(0, size - mostBills), mostBills);
    const missing: KeptEvidence[] = [];
    for (const { signed, first, second, note } of bills) {
      const { kind } = readOfferNote(note);
      const item = first && second && { bill: signed.bill, kind, statements: [first, second] };
      if (item && !(await evidence.isKept(item))) missing.push(item);
    }
    if (missing.length === 0) return;
    await evidence.keep(missing);
    logger.info({ channelId, count: missing.length }, 'statements were missing beside their evidence');
  }

  /** Until it is done, or cannot be. */
  async #work(channelId: Hash, work: () => Promise<void>): Promise<void> {
    const { clock, logger } = this.#parts;
    for (;;) {
      try {
        return await work();
      } catch (error) {
        logger.error({ err: error, channelId }, 'statements were not put beside their evidence');
        if (!isNotariumError(error) || !errorTable[error.code].retry) return;
      }
      await clock.sleep(retryMs, this.#stop.signal);
      if (this.#stop.signal.aborted) {
        this.#isBehind = true;
        return;
      }
    }
  }

  /** Evidence that was not paid for goes, unless another bill of the channel is about it. */
  async #release(channelId: Hash, digest: Hash): Promise<void> {
    const needed = await this.#parts.store.billsOf(channelId, digest, ['offered', 'locked', 'folded']);
    if (needed.length === 0) await this.#parts.evidence.release(channelId, digest);
  }
}
