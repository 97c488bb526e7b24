import { setImmediate } from 'node:timers/promises';
import type { Activity, OpenedEpoch } from '../../core/activities/activity.ts';
import { type Message, parcelSchema } from '../../core/activities/parcel.ts';
import { joinActivity, rejoinActivity } from '../../core/activities/takeMembers.ts';
import { startActivity, takeMessage } from '../../core/activities/takeMessage.ts';
import { fromUtf8, type Hash } from '../../core/bytes.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import { InOrder } from '../../lib/InOrder.ts';
import type { StoredActivity, StoredMessage } from '../../store/activities/ActivityStore.ts';
import type { ActivityHost } from './ActivityHost.ts';

/**
 * Messages of all that are in memory, with members and heads of each epoch, and schemas: of small groups, those of half a minute at two hundred
 * a second. After that time each is compared with the other members.
 */
const mostInMemory = 32_000;
/** A schema of so many characters takes about as much memory as a message does. */
const schemaCharacters = 64;
const messagesAtOnce = 256;
/** Of one with thousands of messages so much is taken without a pause. */
const loadingMs = 20;
// Each time another process of this node has come first.
const mostTries = 64;
const mostAbsent = 10_000;

/**
 * Activities as their messages make them, the newest of them in memory; one at a time works on each. Where other processes write to the
 * database too, what is in memory is compared with it first, and what was made from an older state comes to nothing.
 */
export class Activities {
  readonly #parts: Pick<ActivityHost, 'network' | 'crypto' | 'store' | 'signer'>;
  readonly #known = new Map<Hash, Activity>();
  #weight = 0;
  /** Of how many messages each was made. */
  readonly #counts = new WeakMap<Activity, number>();
  /** Those that were looked for and are not here. */
  readonly #absent = new Set<Hash>();
  readonly #turns = new InOrder();

  constructor(parts: Pick<ActivityHost, 'network' | 'crypto' | 'store' | 'signer'>) {
    this.#parts = parts;
  }

  /**
   * As it is now; undefined for one that this node does not have.
   * @param stored As it stands in the database, where that was read already.
   */
  async find(id: Hash, stored?: Pick<StoredActivity, 'messageCount'>): Promise<Activity | undefined> {
    const known = this.#known.get(id);
    if (known && (await this.#isNewest(known, stored))) return known;
    return await this.alone(id, () => this.current(id));
  }

  /** Runs when nobody else works on the activity, in the order of the calls. */
  alone<T>(id: Hash, work: () => Promise<T>): Promise<T> {
    return this.#turns.run(id, work);
  }

  /**
   * As {@link Activities.alone}, for what changes the activity: again, from its new state, where another process has changed it meanwhile.
   * @throws NotariumError `activity-changed` where others are always faster; what the work throws.
   */
  change<T>(id: Hash, work: (activity: Activity | undefined) => Promise<T>): Promise<T> {
    return this.alone(id, async () => {
      for (let tries = 1; ; tries++) {
        try {
          return await work(await this.current(id));
        } catch (error) {
          if (!isNotariumError(error, 'activity-changed') || tries === mostTries) throw error;
        }
      }
    });
  }

  /** As {@link Activities.find}, for who works on it alone. */
  async current(id: Hash): Promise<Activity | undefined> {
    const known = this.#known.get(id);
    if (known && (await this.#isNewest(known))) return known;
    return known === undefined && this.#absent.has(id) ? undefined : await this.#load(id, known);
  }

  /** As it is in memory; undefined for one that is not. */
  inMemory(id: Hash): Pick<Activity, 'taken' | 'epochs' | 'group'> | undefined {
    return this.#known.get(id);
  }

  /** Of how many messages an activity from here was made. */
  countOf(activity: Activity): number {
    return this.#counts.get(activity)!;
  }

  /** Looks at once which of several are here at all, so that new ones need not be looked for one by one. */
  async lookFor(ids: readonly Hash[]): Promise<void> {
    // What is absent now, another process may begin.
    if (this.#parts.store.isShared) return;
    const unknown = [...new Set(ids)].filter((id) => !this.#known.has(id) && !this.#absent.has(id));
    if (unknown.length === 0) return;
    const here = await this.#parts.store.knownActivities(unknown);
    // One that has begun meanwhile is known.
    for (const id of unknown) if (!here.has(id) && !this.#known.has(id)) this.noteAbsent(id);
  }

  /** Nothing has to be looked for: its id has just been drawn at random. */
  noteAbsent(id: Hash): void {
    if (this.#absent.size > mostAbsent) this.#absent.clear();
    this.#absent.add(id);
  }

  /** What it has become; only for who works on it alone, and after it is on the disk. */
  set(activity: Activity, count: number): void {
    const weight = weightOf(activity, this.#known.get(activity.id));
    this.#absent.delete(activity.id);
    this.#forget(activity.id);
    this.#known.set(activity.id, activity);
    this.#weight += weight;
    this.#counts.set(activity, count);
    for (const id of this.#known.keys()) {
      if (this.#weight <= mostInMemory || id === activity.id) break;
      this.#forget(id);
    }
  }

  #forget(id: Hash): void {
    const known = this.#known.get(id);
    if (!known) return;
    this.#known.delete(id);
    this.#weight -= weightOf(known);
  }

  async #isNewest(activity: Activity, stored?: Pick<StoredActivity, 'messageCount'>): Promise<boolean> {
    const { store } = this.#parts;
    if (!store.isShared) return true;
    const { messageCount } = stored ?? (await store.activity(activity.id)) ?? { messageCount: 0 };
    // One that was read before this process has written is no news.
    return messageCount <= this.countOf(activity);
  }

  /** Takes the messages that are not in memory yet. */
  async #load(id: Hash, known?: Activity): Promise<Activity | undefined> {
    const { store } = this.#parts;
    let activity = known;
    let place = known ? this.countOf(known) : 0;
    let sinceMs = performance.now();
    for (;;) {
      const some = await store.messages(id, place, messagesAtOnce);
      if (some.length === 0) break;
      for (const stored of some) {
        if (performance.now() - sinceMs > loadingMs) {
          await setImmediate();
          sinceMs = performance.now();
        }
        activity = this.#again(activity, messageOf(stored));
      }
      place = some.at(-1)!.place + 1;
    }
    // Others see it only when it is whole.
    if (activity) this.set(activity, place);
    return activity;
  }

  /** A message that was taken before is taken in the same way again. */
  #again(activity: Activity | undefined, message: Message): Activity {
    const { network, crypto, signer } = this.#parts;
    if (!activity) return message.head.type === 'members' ? joinActivity(message) : startActivity(message);
    try {
      return takeMessage(network, activity, message, { isWanted: true, isVouched: true, crypto });
    } catch (error) {
      if (isNotariumError(error, 'activity-message-early') && message.head.type === 'members')
        return rejoinActivity(activity, message, signer.address);
      throw new NotariumError('activity-store-corrupt', `message ${message.id} of an activity is not one any more`, {
        data: { row: `activity_messages/${message.id}` },
        cause: error,
      });
    }
  }
}

// The same for all states of an activity.
const schemaWeights = new WeakMap<Activity['terms'], number>();

const epochWeights = new WeakMap<Activity['epochs'], number>();

function weightOf({ taken, epochs, group, terms }: Activity, before?: Activity): number {
  let weight = schemaWeights.get(terms);
  if (weight === undefined) {
    weight = terms.schema ? Math.ceil(JSON.stringify(terms.schema).length / schemaCharacters) : 0;
    schemaWeights.set(terms, weight);
  }
  let ofEpochs = epochWeights.get(epochs);
  if (ofEpochs === undefined) {
    const ofBefore = before && epochWeights.get(before.epochs);
    // Else each of thousands would be counted again for each that comes.
    const isNext = ofBefore !== undefined && epochs.size === before!.epochs.size + 1 && !before!.epochs.has(group);
    ofEpochs = isNext ? ofBefore + weightOfEpoch(epochs.get(group)!) : 0;
    if (!isNext) for (const epoch of epochs.values()) ofEpochs += weightOfEpoch(epoch);
    epochWeights.set(epochs, ofEpochs);
  }
  return weight + ofEpochs + taken.size;
}

function weightOfEpoch({ membership, heads }: OpenedEpoch): number {
  return membership.members.length + heads.length;
}

/** A message as it was taken: checked then, and not again. */
export function messageOf({ id, parcel }: Pick<StoredMessage, 'id' | 'parcel'>): Message {
  return { ...parcelSchema.parse(JSON.parse(fromUtf8(parcel))), id };
}
