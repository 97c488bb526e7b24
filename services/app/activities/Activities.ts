import type { Activity } from '../../core/activities/activity.ts';
import { type Message, parcelSchema } from '../../core/activities/parcel.ts';
import { joinActivity, rejoinActivity } from '../../core/activities/takeMembers.ts';
import { startActivity, takeMessage } from '../../core/activities/takeMessage.ts';
import { fromUtf8, type Hash } from '../../core/bytes.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import type { StoredMessage } from '../../store/activities/ActivityStore.ts';
import type { ActivityHost } from './ActivityHost.ts';

const mostInMemory = 2_000;
const messagesAtOnce = 256;
const mostAbsent = 10_000;

/** Activities as their messages make them, the newest of them in memory; one at a time works on each. */
export class Activities {
  readonly #parts: Pick<ActivityHost, 'network' | 'crypto' | 'store'>;
  readonly #known = new Map<Hash, Activity>();
  /** Those that were looked for and are not here. */
  readonly #absent = new Set<Hash>();
  readonly #turns = new Map<Hash, Promise<unknown>>();

  constructor(parts: Pick<ActivityHost, 'network' | 'crypto' | 'store'>) {
    this.#parts = parts;
  }

  /** As it is now; undefined for one that this node does not have. */
  async find(id: Hash): Promise<Activity | undefined> {
    const known = this.#known.get(id);
    if (known) return known;
    return await this.alone(id, () => this.#load(id));
  }

  /** Runs when nobody else works on the activity, in the order of the calls. */
  alone<T>(id: Hash, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(id) ?? Promise.resolve();
    const turn = before.then(work, work);
    const settled = turn.then(
      () => {},
      () => {},
    );
    this.#turns.set(id, settled);
    void settled.then(() => {
      if (this.#turns.get(id) === settled) this.#turns.delete(id);
    });
    return turn;
  }

  /** As {@link Activities.find}, for who works on it alone. */
  async current(id: Hash): Promise<Activity | undefined> {
    return this.#known.get(id) ?? (this.#absent.has(id) ? undefined : await this.#load(id));
  }

  /** Looks at once which of several are here at all, so that new ones need not be looked for one by one. */
  async lookFor(ids: readonly Hash[]): Promise<void> {
    const unknown = [...new Set(ids)].filter((id) => !this.#known.has(id) && !this.#absent.has(id));
    if (unknown.length === 0) return;
    const here = await this.#parts.store.knownActivities(unknown);
    if (this.#absent.size > mostAbsent) this.#absent.clear();
    // One that has begun meanwhile is known.
    for (const id of unknown) if (!here.has(id) && !this.#known.has(id)) this.#absent.add(id);
  }

  /** What it has become; only for who works on it alone, and after it is on the disk. */
  set(activity: Activity): void {
    this.#absent.delete(activity.id);
    this.#known.delete(activity.id);
    this.#known.set(activity.id, activity);
    if (this.#known.size > mostInMemory) this.#known.delete(this.#known.keys().next().value!);
  }

  async #load(id: Hash): Promise<Activity | undefined> {
    const { store } = this.#parts;
    let activity: Activity | undefined;
    for (let place = 0; ; ) {
      const some = await store.messages(id, place, messagesAtOnce);
      if (some.length === 0) break;
      for (const stored of some) activity = this.#again(activity, messageOf(stored));
      place = some.at(-1)!.place + 1;
    }
    if (activity) this.set(activity);
    return activity;
  }

  /** A message that was taken before is taken in the same way again. */
  #again(activity: Activity | undefined, message: Message): Activity {
    const { network, crypto } = this.#parts;
    if (!activity) return message.head.type === 'members' ? joinActivity(message) : startActivity(message);
    try {
      return takeMessage(network, activity, message, { isWanted: true, crypto });
    } catch (error) {
      if (isNotariumError(error, 'activity-message-early') && message.head.type === 'members')
        return rejoinActivity(activity, message);
      throw new NotariumError('store-corrupt', `message ${message.id} of an activity is not one any more`, {
        cause: error,
      });
    }
  }
}

/** A message as it was taken: checked then, and not again. */
export function messageOf({ id, parcel }: Pick<StoredMessage, 'id' | 'parcel'>): Message {
  return { ...parcelSchema.parse(JSON.parse(fromUtf8(parcel))), id };
}
