import type { Hash } from '../../core/bytes.ts';
import { isNotariumError } from '../../core/errors.ts';
import { messageOf } from './Activities.ts';
import type { ActivityParts } from './ActivityParts.ts';
import { Step } from './Step.ts';

/**
 * What this node says to messages by itself and does not say yet: after a start it knows no more than a backup may have known, and would
 * speak to members that it has removed since. What others have said meanwhile counts, so some of it is said already by then. After a crash
 * in that time what is decided is done all the same, see `Overdue`.
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
    await Promise.all(this.#runs);
  }

  async #answer(id: Hash): Promise<void> {
    await this.#parts.caughtUp(id);
    const waiting = this.#waiting.get(id)!;
    this.#waiting.delete(id);
    for (const message of waiting) {
      if (this.#signal.aborted) return;
      try {
        await this.#answerTo(id, message);
      } catch (error) {
        if (!isNotariumError(error)) throw error;
        this.#parts.logger.error({ err: error, activity: id }, 'what follows from a message could not be sent');
      }
    }
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
