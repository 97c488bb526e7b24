import { type Activity, membersOf } from '../../core/activities/activity.ts';
import { leaversOf } from '../../core/activities/decided.ts';
import { memberOf } from '../../core/activities/members.ts';
import type { Hash } from '../../core/bytes.ts';
import { isNotariumError } from '../../core/errors.ts';
import type { ActivityParts } from './ActivityParts.ts';
import { dueFor } from './carriedOut.ts';
import { certify } from './certify.ts';
import { Step } from './Step.ts';
import { doDue } from './sendIn.ts';
import { changeOwnKey } from './verbs/changeMembers.ts';

/**
 * What somebody else was to do and has not done, as it may be away: carry out what is decided, make a certificate. And what this node has to
 * do again, as another change of the members has come before it: tell its key. Each member waits longer than the one before it.
 */
export class Overdue {
  readonly #parts: ActivityParts;
  readonly #due = new Map<Hash, number>();

  constructor(parts: ActivityParts) {
    this.#parts = parts;
  }

  /** For some time nothing has come in this activity. */
  quiet(activity: Activity): void {
    const { clock, settings, signer } = this.#parts;
    const place = membersOf(activity).members.findIndex(({ address }) => address === signer.address);
    if (place >= 0) this.#due.set(activity.id, clock.nowMs() + place * settings.compareMs);
  }

  async look(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#parts;
    const nowMs = clock.nowMs();
    for (const [id, dueMs] of this.#due) {
      if (dueMs > nowMs) continue;
      if (signal.aborted) return;
      this.#due.delete(id);
      try {
        await this.#do(id, signal);
      } catch (error) {
        if (!isNotariumError(error)) throw error;
        // With the next message it is looked at again.
        logger.error({ err: error, activity: id }, 'what is overdue in an activity could not be done');
      }
    }
  }

  async #do(id: Hash, signal: AbortSignal): Promise<void> {
    const { activities, signer } = this.#parts;
    const own = signer.address;
    await this.#parts.caughtUp(id);
    await activities.change(id, async (activity) => {
      if (!activity || !memberOf(membersOf(activity), own) || leaversOf(activity).has(own)) return;
      if (dueFor(activity, own).length === 0) return;
      const step = new Step(this.#parts, id, activity);
      await doDue(step, own, () => true);
      await step.commit();
    });
    await certify(this.#parts, id, () => true, signal);
    await changeOwnKey(this.#parts, id);
  }
}
