import type { Hash } from '../../core/bytes.ts';
import { maxLocks } from '../../core/channels/state.ts';
import { errorTable, isNotariumError } from '../../core/errors.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { ChannelStore, StoredBill } from '../../store/channels/ChannelStore.ts';
import type { EvidenceKeeper, KeptEvidence } from './EvidenceKeeper.ts';
import { verifierMemoryOf } from './memoryJson.ts';
import { kindOf } from './offerNote.ts';
import { StatementLane } from './StatementLane.ts';

/** What a {@link StatementWriter} works with. */
export type StatementWriterParts = {
  readonly store: ChannelStore;
  readonly evidence: EvidenceKeeper;
  readonly clock: Clock;
  readonly logger: Logger;
};

/** What an update has led to. */
export type StatementNews = {
  /** Bills with their first statement alone, and with both. */
  readonly kept: readonly KeptEvidence[];
  /** Bills whose locks were dropped. */
  readonly unpaid: readonly { readonly id: Hash; readonly digest: Hash }[];
};

/** Bills of one channel whose statements may be missing beside the evidence before an update waits. */
const mostBehind = 4 * maxLocks;
/** Bills that a crash can have left without their second statement, of one channel: an update may come on top. */
const mostBills = mostBehind + maxLocks;
const retryMs = 1_000;
const channelPage = 256;

/**
 * Puts statements beside the evidence, and lets evidence go that was not paid for: after the answer has left, since all of it is
 * safe in the database. An update waits where too many are behind, so that what a crash may have prevented is known to be little, and is
 * made good by {@link StatementWriter.catchUp}.
 */
export class StatementWriter {
  readonly #parts: StatementWriterParts;
  readonly #stop = new AbortController();
  readonly #lanes = new Map<Hash, StatementLane>();
  #isBehind = false;

  constructor(parts: StatementWriterParts) {
    this.#parts = parts;
  }

  /** Waits until an update of the channel may be taken. */
  async room(channelId: Hash): Promise<void> {
    for (;;) {
      const lane = this.#lanes.get(channelId);
      if (!lane || lane.size < mostBehind || this.#stop.signal.aborted) return;
      await lane.progress();
    }
  }

  /** Begins with what an update has led to. A store that fails is tried again. */
  add(channelId: Hash, { kept, unpaid }: StatementNews): void {
    if (kept.length + unpaid.length === 0) return;
    const known = this.#lanes.get(channelId);
    const lane = known ?? new StatementLane(this.#parts.clock);
    for (const item of kept) lane.put(item);
    for (const bill of unpaid) lane.drop(bill);
    if (known) return;
    this.#lanes.set(channelId, lane);
    if (this.#stop.signal.aborted) lane.hurry();
    const write = (items: readonly KeptEvidence[], digests: readonly Hash[]): Promise<void> =>
      this.#work(channelId, async () => {
        if (items.length > 0) await this.#parts.evidence.keep(items);
        for (const digest of digests) await this.#release(channelId, digest);
      });
    void lane.run(write, () => this.#lanes.delete(channelId));
  }

  /** Resolves once the statements of the channel that wait now are beside their evidence, or cannot be. */
  async written(channelId: Hash): Promise<void> {
    await this.#lanes.get(channelId)?.written();
  }

  /**
   * Looks through the open and the newest bills of all channels that have not ended, one channel after the other, and writes what is missing.
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
    await Promise.all([...this.#lanes.values()].map((lane) => lane.written()));
    return !this.#isBehind;
  }

  async #mend(channelId: Hash, size: number): Promise<void> {
    const { store, evidence, logger } = this.#parts;
    const bills = [
      ...(await store.openBills(channelId)).filter(({ state }) => state === 'locked'),
      ...(await store.evidence(channelId, Math.max(0, size - mostBills), mostBills)),
    ];
    const missing: KeptEvidence[] = [];
    for (const bill of bills) {
      const item = statementsOf(bill);
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

/** What is to stand beside the evidence of a bill that is locked or paid. */
function statementsOf({ signed: { bill }, state, first, second, note }: StoredBill): KeptEvidence | undefined {
  const statements = [first, second].filter((one) => one !== undefined);
  // Without the first one nothing is confirmed; a paid bill that was given back by the requester's view alone has none of both.
  if (!first || (state === 'folded' && !second)) return undefined;
  return { bill, kind: kindOf(bill, note), statements };
}
