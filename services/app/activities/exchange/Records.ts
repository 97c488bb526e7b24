import { errorTable } from '../../../core/errors.ts';
import type { ActivityParts } from '../ActivityParts.ts';

const atOnce = 256;
/** What is said within so long goes to the log together: it waits there for a block anyway. */
const gatherMs = 100;
/** While so many came together the last time: handed in, they cost each centre a commit and some messages, for one as for many. */
const many = 8;
const manyGatherMs = 400;

/** Hands the records of messages to the centre's intake: those on the disk, oldest first, until it has taken them. */
export class Records {
  readonly #parts: ActivityParts;
  #running: Promise<void> | undefined;
  #isWanted = false;
  #gatherMs = gatherMs;
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
      await clock.sleep(this.#gatherMs, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      this.#isWanted = false;
      try {
        if (await this.#submitSome()) this.#isWanted = true;
      } catch (error) {
        // Looked at again before long.
        this.#parts.logger.error({ err: error }, 'records of activities could not be handed in');
      }
    }
  }

  /** Whether there may be more that the intake would take now. */
  async #submitSome(): Promise<boolean> {
    const { store, accept, logger } = this.#parts;
    const pending = await store.pendingRecords(atOnce);
    this.#gatherMs = pending.length < many || pending.length === atOnce ? gatherMs : manyGatherMs;
    if (pending.length === 0) return false;
    const results = await accept(pending.map(({ entry }) => entry));
    const taken: Parameters<typeof store.recordsTaken>[0][number][] = [];
    for (const [index, result] of results.entries()) {
      const { message, activity } = pending[index]!;
      if (result.status !== 'failed') taken.push({ message, recordId: result.id });
      else if (!errorTable[result.error.code].retry) {
        logger.error({ code: result.error.code, activity }, 'the log does not take the record of a message');
      }
    }
    if (taken.length > 0) await store.recordsTaken(taken);
    return taken.length === atOnce;
  }
}
