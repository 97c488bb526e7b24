import type { Hash } from '../../core/bytes.ts';
import { isNotariumError } from '../../core/errors.ts';
import { messageOf } from './Activities.ts';
import type { ActivityParts } from './ActivityParts.ts';
import { Step } from './Step.ts';

const atOnce = 256;

/**
 * What this node says to messages by itself and does not say yet: after a start it knows no more than a backup may have known, and would
 * speak to members that it has removed since. What others have said meanwhile counts, so some of it is said already by then. Which messages
 * these are is on the disk: where this node is stopped before, it answers after its next start.
 */
export class LateAnswers {
  readonly #parts: ActivityParts;
  readonly #signal: AbortSignal;
  readonly #waiting = new Map<Hash, Set<Hash>>();
  readonly #runs = new Set<Promise<void>>();

  constructor(parts: ActivityParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
  }

  /** There is a network: what was not answered before the start is answered now. */
  join(): void {
    const run = this.#find()
      .catch((error: unknown) => {
        if (!this.#signal.aborted)
          this.#parts.logger.error({ err: error }, 'messages that are to be answered could not be read');
      })
      .finally(() => this.#runs.delete(run));
    this.#runs.add(run);
  }

  async #find(): Promise<void> {
    for (let after: number | undefined; !this.#signal.aborted; ) {
      const some = await this.#parts.store.toAnswer(after, atOnce);
      if (some.length === 0) return;
      for (const { activity, message } of some) this.add(activity, [message]);
      after = some.at(-1)!.seq;
    }
  }

  /** @param messages Ids, in the order in which they were taken. */
  add(activity: Hash, messages: readonly Hash[]): void {
    const waiting = this.#waiting.get(activity);
    if (waiting) {
      for (const message of messages) waiting.add(message);
      return;
    }
    this.#waiting.set(activity, new Set(messages));
    const run = this.#answer(activity)
      .catch((error: unknown) => {
        if (this.#signal.aborted) return;
        this.#parts.logger.error({ err: error, activity }, 'what follows from messages could not be sent');
      })
      .finally(() => this.#runs.delete(run));
    this.#runs.add(run);
  }

  async close(): Promise<void> {
    while (this.#runs.size > 0) await Promise.all(this.#runs);
  }

  async #answer(id: Hash): Promise<void> {
    const waiting = this.#waiting.get(id)!;
    try {
      await this.#parts.caughtUp(id);
    } finally {
      // Where that fails, these are answered after the next start, and what comes later is not kept waiting for it.
      this.#waiting.delete(id);
    }
    const answered: Hash[] = [];
    for (const message of waiting) {
      if (this.#signal.aborted) break;
      try {
        await this.#answerTo(id, message);
        answered.push(message);
      } catch (error) {
        if (!isNotariumError(error)) throw error;
        // With the next start what the disk says may be another thing.
        if (!/^(storage-|activity-store-)/.test(error.code)) answered.push(message);
        this.#parts.logger.error({ err: error, activity: id }, 'what follows from a message could not be sent');
      }
    }
    const { store, clock } = this.#parts;
    // What was said is known by then: answered again, nothing is said twice.
    await store.save({ activity: id, nowMs: clock.nowMs(), answered });
  }

  async #answerTo(id: Hash, message: Hash): Promise<void> {
    const { activities, store } = this.#parts;
    const stored = await store.message(message);
    if (!stored) return;
    await activities.change(id, async (activity) => {
      const step = new Step(this.#parts, id, activity);
      await step.answer(messageOf(stored));
      await step.commit();
    });
  }
}
