import { randomInt } from 'node:crypto';
import { errorTable, NotariumError } from '../../../core/errors.ts';
import type { DamagedRecord } from '../../../store/activities/ActivityStore.ts';
import type { ActivityParts } from '../ActivityParts.ts';
import { recordAgain } from '../recordAgain.ts';

const atOnce = 256;
/** What is said within so long goes to the log together: it waits there for a block anyway. */
const gatherMs = 100;

/** Hands the records of messages to the centre's intake: those on the disk, as they become due, until it has taken them. */
export class Records {
  readonly #parts: ActivityParts;
  #running: Promise<void> | undefined;
  #isWanted = false;
  #hasLookedAside = false;
  /** Some may be there whose moment has passed without them: from before the start, or while the log took none. */
  #isLate = true;
  #lastMs = -Infinity;
  readonly #stop = new AbortController();

  constructor(parts: ActivityParts) {
    this.#parts = parts;
  }

  /** There may be some. */
  submit(): void {
    this.#isWanted = true;
    if (this.#stop.signal.aborted) return;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      if (this.#isWanted) this.submit();
    });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock } = this.#parts;
    while (this.#isWanted && !this.#stop.signal.aborted) {
      await clock.sleep(gatherMs, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      this.#isWanted = false;
      try {
        if (await this.#submitSome()) this.#isWanted = true;
      } catch (error) {
        // Looked at again before long.
        this.#isLate = true;
        this.#parts.logger.error({ err: error }, 'records of activities could not be handed in');
      }
    }
  }

  /** Whether there may be more that the intake would take now. */
  async #submitSome(): Promise<boolean> {
    const { store, accept, logger, clock, settings } = this.#parts;
    await this.#lookAside();
    const nowMs = clock.nowMs();
    // Or the clock was set back, and they would wait for long.
    if (this.#isLate || nowMs < this.#lastMs) await this.#spread(nowMs);
    this.#lastMs = nowMs;
    const { records: pending, damaged } = await store.pendingRecords(atOnce, nowMs);
    for (const lost of damaged) await this.#mend(lost);
    if (pending.length === 0) return damaged.length > 0;
    const results = await accept(pending.map(({ entry }) => entry));
    let aside = 0;
    const failed: Parameters<typeof store.postponeRecords>[0][number][] = [];
    const taken: Parameters<typeof store.recordsTaken>[0][number][] = [];
    for (const [index, result] of results.entries()) {
      const { message, activity } = pending[index]!;
      if (result.status !== 'failed') taken.push({ message, recordId: result.id });
      else if (result.error.code === 'internal')
        failed.push({ message, dueMs: this.#momentFrom(nowMs + settings.maxRetryMs) });
      else if (!errorTable[result.error.code].retry) {
        logger.error({ code: result.error.code, activity }, 'the log does not take the record of a message');
        // Made anew with the next start; as many as go at once would keep all others from going.
        await store.setRecordAside(message);
        aside++;
      } else this.#isLate = true;
    }
    if (taken.length > 0) await store.recordsTaken(taken);
    if (failed.length > 0) {
      logger.error({ count: failed.length }, 'the intake has failed at records of messages: they are handed in again');
      await store.postponeRecords(failed);
    }
    return damaged.length > 0 || taken.length + aside + failed.length === atOnce;
  }

  /**
   * Gives moments to those that have missed theirs, as if they were made now: all at once they would go in the order in which they were made,
   * and show which belong together.
   */
  async #spread(nowMs: number): Promise<void> {
    const { store } = this.#parts;
    for (let after: number | undefined; !this.#stop.signal.aborted; ) {
      const some = await store.recordsOverdue(after, atOnce, nowMs);
      if (some.length === 0) {
        this.#isLate = false;
        return;
      }
      await store.postponeRecords(some.map(({ message }) => ({ message, dueMs: this.#momentFrom(nowMs) })));
      after = some.at(-1)!.seq;
    }
  }

  #momentFrom(fromMs: number): number {
    return fromMs + randomInt(this.#parts.settings.recordSpreadMs + 1);
  }

  /** After a start, what could not be made again may be: a backup has been brought back. */
  async #lookAside(): Promise<void> {
    if (this.#hasLookedAside) return;
    for (const { message, activity } of await this.#parts.store.recordsSetAside()) {
      const row = `activity_records/${message}`;
      const error = new NotariumError('activity-store-corrupt', row, { data: { row } });
      await this.#mend({ message, activity, error });
    }
    this.#hasLookedAside = true;
  }

  /** Makes a damaged record again; one for which that cannot be done is set aside, so that it does not stop the others. */
  async #mend(lost: DamagedRecord): Promise<void> {
    const { store, damage, logger } = this.#parts;
    const { message, activity, error } = lost;
    try {
      const record = await recordAgain(this.#parts, lost);
      if (record && 'recordId' in record) {
        await store.recordsTaken([{ message, recordId: record.recordId }]);
        return;
      }
      if (record) {
        await store.replaceRecord(record);
        logger.error({ err: error, activity }, 'the record of a message is made again');
        return;
      }
    } catch (failure) {
      if (!damage.told(failure)) throw failure;
    }
    damage.told(error);
    await store.setRecordAside(message);
  }
}
