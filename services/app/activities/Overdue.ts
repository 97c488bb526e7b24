import { type Activity, certificatesOn, membersOf } from '../../core/activities/activity.ts';
import { takesPart } from '../../core/activities/decided.ts';
import type { Hash } from '../../core/bytes.ts';
import { errorTable, isNotariumError } from '../../core/errors.ts';
import type { ActivityParts } from './ActivityParts.ts';
import { dueFor } from './carriedOut.ts';
import { certificateIn } from './certificateIn.ts';
import { canCertify, certify } from './certify.ts';
import { Step } from './Step.ts';
import { doDue } from './sendIn.ts';
import { changeOwnKey, otherKey } from './verbs/changeMembers.ts';

/**
 * What somebody else was to do and has not done, as it may be away: carry out what is decided, make a certificate. And what this node has to
 * do again, as another change of the members has come before it: tell its key. Each member waits longer than the one before it. Much later, also
 * make a certificate that comes into the log, where whoever has made one has not notarised it.
 */
export class Overdue {
  readonly #parts: ActivityParts;
  readonly #due = new Map<Hash, number>();
  /** When it is looked whether the log has certificates. */
  readonly #certified = new Map<Hash, number>();

  constructor(parts: ActivityParts) {
    this.#parts = parts;
  }

  /** For some time nothing has come in this activity. */
  quiet(activity: Activity): void {
    const { clock, settings, signer } = this.#parts;
    const place = membersOf(activity).members.findIndex(({ address }) => address === signer.address);
    if (place < 0) return;
    const dueMs = clock.nowMs() + place * settings.compareMs;
    this.#due.set(activity.id, dueMs);
    if (activity.certificates.size > 0 && !this.#certified.has(activity.id))
      this.#certified.set(activity.id, dueMs + settings.incompleteMs);
  }

  async look(signal: AbortSignal): Promise<void> {
    await this.#lookAt(this.#due, (id) => this.#do(id, signal), signal);
    await this.#lookAt(this.#certified, (id) => this.#certify(id, signal), signal);
  }

  async #lookAt(due: Map<Hash, number>, work: (id: Hash) => Promise<void>, signal: AbortSignal): Promise<void> {
    const { clock, logger, settings } = this.#parts;
    const nowMs = clock.nowMs();
    for (const [id, dueMs] of due) {
      if (dueMs > nowMs) continue;
      if (signal.aborted) return;
      due.delete(id);
      try {
        await work(id);
      } catch (error) {
        if (signal.aborted) return;
        if (!isNotariumError(error)) throw error;
        // With the next message it is looked at again; but there may never be one.
        if (errorTable[error.code].retry && !due.has(id)) due.set(id, clock.nowMs() + settings.maxRetryMs);
        logger.error({ err: error, activity: id }, 'what is overdue in an activity could not be done');
      }
    }
  }

  async #do(id: Hash, signal: AbortSignal): Promise<void> {
    const { activities, signer } = this.#parts;
    const own = signer.address;
    // After a start there are many with nothing to do, and of each all its members would be asked.
    const before = await activities.find(id);
    if (!before || !this.#hasWork(before)) return;
    await this.#parts.caughtUp(id);
    await activities.change(id, async (activity) => {
      if (!activity || !takesPart(activity, own)) return;
      if (dueFor(activity, own).length === 0) return;
      const step = new Step(this.#parts, id, activity);
      await doDue(step, own, () => true);
      await step.commit();
    });
    await certify(this.#parts, id, {}, signal);
    await changeOwnKey(this.#parts, id);
  }

  #hasWork(activity: Activity): boolean {
    const { address } = this.#parts.signer;
    const isToSpeak = canCertify(activity, address) || otherKey(this.#parts, activity) !== undefined;
    return isToSpeak || (takesPart(activity, address) && dueFor(activity, address).length > 0);
  }

  async #certify(id: Hash, signal: AbortSignal): Promise<void> {
    await this.#parts.caughtUp(id);
    await certify(this.#parts, id, { lacking: (activity, versions) => this.#unrecorded(activity, versions) }, signal);
  }

  /** Those of these versions that have certificates by others, none of which the log has. */
  async #unrecorded(activity: Activity, versions: readonly Hash[]): Promise<Hash[]> {
    const unrecorded: Hash[] = [];
    for (const version of versions) {
      const made = activity.certificates.get(version);
      if (!made || made.has(this.#parts.signer.address)) continue;
      let isRecorded = false;
      for (const message of certificatesOn(activity, version))
        isRecorded ||= (await certificateIn(this.#parts, activity, message))?.recordId !== undefined;
      if (!isRecorded) unrecorded.push(version);
    }
    return unrecorded;
  }
}
