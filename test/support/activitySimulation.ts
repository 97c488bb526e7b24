import { type Activity, membersOf } from '../../services/core/activities/activity.ts';
import { memberOf } from '../../services/core/activities/members.ts';
import { mayVouch } from '../../services/core/activities/onTrust.ts';
import type { Message } from '../../services/core/activities/parcel.ts';
import { early, type Missing } from '../../services/core/activities/refused.ts';
import { sharedMessages } from '../../services/core/activities/shared.ts';
import { joinActivity, rejoinActivity } from '../../services/core/activities/takeMembers.ts';
import { startActivity, takeMessage } from '../../services/core/activities/takeMessage.ts';
import type { Address, Hash } from '../../services/core/bytes.ts';
import { isNotariumError } from '../../services/core/errors.ts';
import { activityNetwork, type Person } from './activityKit.ts';
import { crypto } from './recordKit.ts';

/** As a message has come: of whom, and on whose word it was asked for. */
type Way = { readonly from: SimulatedNode; readonly wantedBy?: Address };

/** What a node makes of messages, by the core alone: nothing is lost of what it holds. */
export class SimulatedNode {
  readonly person: Person;
  readonly address: Address;
  view: Activity | undefined;
  /** What it has taken, in that order. */
  readonly taken = new Map<Hash, Message>();
  readonly #held = new Map<Hash, { readonly message: Message; readonly from: SimulatedNode }>();

  constructor(who: Person) {
    this.person = who;
    this.address = who.address;
  }

  /** Takes a message; one that came early, after what its source has of what is missing, or later. */
  receive(message: Message, way: Way, depth = 0): void {
    try {
      this.#take(message, way);
    } catch (error) {
      if (!isNotariumError(error)) throw error;
      if (error.code === 'activity-epoch-stale') this.#held.set(message.id, { message, from: way.from });
      if (error.code !== 'activity-message-early') return;
      this.#held.set(message.id, { message, from: way.from });
      if (depth > 20) return;
      const before = this.taken.size;
      for (const one of way.from.given(this, message.head.activity, error.data.missing as Missing))
        this.receive(one, { from: way.from, wantedBy: message.head.sender }, depth + 1);
      if (this.taken.size > before) this.receive(message, way, depth + 1);
    }
  }

  /** Tries what it holds once more. */
  again(): void {
    for (const { message, from } of [...this.#held.values()]) this.receive(message, { from });
  }

  /** What another one lacks of what both have to have. */
  compare(other: SimulatedNode): void {
    if (!this.view || !other.view) return;
    if (!memberOf(membersOf(this.view), other.address) || !memberOf(membersOf(other.view), this.address)) return;
    const ids = sharedMessages(other.view, [this.address, other.address], this.view.since);
    const lacking = new Set(ids.filter((id) => !this.taken.has(id)));
    for (const message of [...other.taken.values()].filter(({ id }) => lacking.has(id)))
      this.receive(message, { from: other, wantedBy: other.address });
  }

  /** What it gives to another one that asks for it. */
  given(to: SimulatedNode, activity: Hash, { messages = [], group }: Missing): Message[] {
    const { view } = this;
    if (view?.id !== activity) return [];
    const opener = group && view.epochs.get(group)?.by;
    const ids = [...messages, ...(opener ? [opener] : [])];
    return ids.flatMap((id) => this.taken.get(id) ?? []).filter((message) => this.#mayHave(message, to.address));
  }

  /** Forgets the newest of what it has taken: it was restored from a backup. */
  forget(count: number): void {
    const kept = [...this.taken.values()].slice(0, Math.max(1, this.taken.size - count));
    this.taken.clear();
    this.#held.clear();
    this.view = undefined;
    for (const message of kept) {
      this.view = again(this.view, message, this.address);
      this.taken.set(message.id, message);
    }
  }

  #mayHave({ head }: Message, member: Address): boolean {
    const epoch = this.view!.epochs.get(head.group);
    if (epoch && memberOf(epoch.membership, member)) return true;
    return this.view!.terms.rules.history && memberOf(membersOf(this.view!), member) !== undefined;
  }

  #take(message: Message, way: Way): void {
    if (this.taken.has(message.id)) return;
    this.view = this.view ? this.#next(this.view, message, way) : this.#first(message, way);
    this.taken.set(message.id, message);
    this.#held.delete(message.id);
  }

  #first(message: Message, { from }: Way): Activity {
    const { head } = message;
    if (head.type === 'start') return startActivity(message);
    if (head.type === 'members' && !head.terms.rules.history) {
      const { previous } = head.membership;
      // Of who says so, where that has nothing that comes before it.
      if (from.address !== head.sender || from.given(this, head.activity, { group: previous }).length > 0)
        throw early({ group: previous });
      return joinActivity(message);
    }
    if (!('terms' in head)) throw early({ group: head.group });
    // With history it asks for everything first.
    for (const one of from.taken.values()) {
      try {
        this.view = this.view
          ? takeMessage(activityNetwork, this.view, one, { isWanted: true, crypto })
          : startActivity(one);
        this.taken.set(one.id, one);
      } catch (error) {
        if (!isNotariumError(error)) throw error;
      }
    }
    const view = this.view!;
    return this.taken.has(message.id) ? view : takeMessage(activityNetwork, view, message, { isWanted: true, crypto });
  }

  #next(view: Activity, message: Message, { from, wantedBy }: Way): Activity {
    const { head } = message;
    const isWanted = wantedBy !== undefined && memberOf(membersOf(view), wantedBy) !== undefined;
    const isOfAnother = from.address !== head.sender && memberOf(membersOf(view), from.address) !== undefined;
    const isVouched = isOfAnother || mayVouch(view, this.address, head.sender).length === 0;
    try {
      return takeMessage(activityNetwork, view, message, { isWanted, isVouched, crypto });
    } catch (error) {
      const isEarly = isNotariumError(error, 'activity-message-early');
      const isAdded = head.type === 'members' && memberOf(head.membership, this.address) !== undefined;
      const isBack = isAdded && !head.terms.rules.history && head.origin.initiator === head.sender;
      // Who was removed is not told what was meanwhile.
      if (
        !isEarly ||
        !isBack ||
        (error.data.missing as Missing).group === undefined ||
        from.given(this, view.id, error.data.missing as Missing).length > 0
      )
        throw error;
      return rejoinActivity(view, message, this.address);
    }
  }
}

function again(view: Activity | undefined, message: Message, own: Address): Activity {
  const { head } = message;
  if (!view) return head.type === 'start' ? startActivity(message) : joinActivity(message);
  try {
    return takeMessage(activityNetwork, view, message, { isWanted: true, isVouched: true, crypto });
  } catch (error) {
    if (isNotariumError(error, 'activity-message-early') && head.type === 'members')
      return rejoinActivity(view, message, own);
    throw error;
  }
}
