import type { Fork } from '../../../core/activities/forks.ts';
import type { Address, Hash } from '../../../core/bytes.ts';
import type { DoubtView } from '../ActivityDesk.ts';
import type { ActivityHost } from '../ActivityHost.ts';

/**
 * How a member sees an activity in another way than this node: it says that it has messages that do not come (`lacking`), does not know the
 * activity or this node as a member (`unknown`), has seen this node be removed (`excluded`), or has seen that its initiator began it twice
 * (`forked`).
 */
export type Doubt = {
  readonly kind: DoubtView['kind'];
  /** Ids of what is lacking. */
  readonly messages: readonly Hash[];
};

/** A doubt, and since when. */
export type DatedDoubt = Doubt & { readonly sinceMs: number };

const mostNamed = 16;
/** Of one member, in activities that somebody here has looked at, in others, and of what it has signed twice: it can make up more. */
const mostOf = { read: 1_024, unread: 256, twice: 1_024 };
const mostForked = 16_384;

type Room = keyof typeof mostOf;
type Kept = DatedDoubt & { readonly room: Room };

/** What members have or see otherwise: for whoever looks at an activity, and as problems of this node. */
export class Doubts {
  readonly #parts: Pick<ActivityHost, 'clock' | 'settings' | 'problems' | 'logger'>;
  readonly #doubts = new Map<Hash, Map<Address, Kept>>();
  /** What a member has signed twice: that both have the same messages now takes nothing of it back. */
  readonly #twice = new Map<Hash, Map<Address, Kept>>();
  readonly #forked = new Set<Hash>();
  /** How many there are of each member. */
  readonly #counts = new Map<`${Address}/${Room}`, number>();

  constructor(parts: Pick<ActivityHost, 'clock' | 'settings' | 'problems' | 'logger'>) {
    this.#parts = parts;
  }

  of(activity: Hash): ReadonlyMap<Address, DatedDoubt> {
    const all = [...(this.#doubts.get(activity) ?? []), ...(this.#twice.get(activity) ?? [])];
    return new Map(all.map(([member, { room: _, ...doubt }]) => [member, doubt]));
  }

  /** A member has signed one message in two ways, and this node has seen both. */
  signedTwice(activity: Hash, member: Address): void {
    const members = this.#twice.get(activity) ?? new Map<Address, Kept>();
    if (members.has(member) || !this.#count(member, 'twice', 1)) return;
    this.#parts.logger.warn({ activity, peer: member }, 'a member has signed the same message in two ways');
    members.set(member, { kind: 'forked', messages: [], sinceMs: this.#parts.clock.nowMs(), room: 'twice' });
    this.#twice.set(activity, members);
  }

  /** @param isRead Whether somebody here has looked at the activity. Of what there is no room for nothing is kept. */
  raise(activity: Hash, member: Address, { kind, messages }: Doubt, isRead: boolean): void {
    const { clock, logger } = this.#parts;
    const doubts = this.#doubts.get(activity) ?? new Map<Address, Kept>();
    const before = doubts.get(member);
    const room = isRead ? 'read' : 'unread';
    if (before?.room !== room) {
      if (!this.#count(member, room, 1)) return;
      if (before) this.#count(member, before.room, -1);
    }
    const sinceMs = before?.kind === kind ? before.sinceMs : clock.nowMs();
    if (before?.kind !== kind)
      logger.warn({ activity, peer: member, kind }, 'a member sees an activity in another way');
    doubts.set(member, { kind, messages: messages.slice(0, mostNamed), sinceMs, room });
    this.#doubts.set(activity, doubts);
  }

  /** Whether the member has answered in another way than this node sees it, and has not answered since that both have the same. */
  has(activity: Hash, member: Address): boolean {
    return this.#doubts.get(activity)?.has(member) === true;
  }

  /** Both have the same. */
  clear(activity: Hash, member: Address): void {
    const doubts = this.#doubts.get(activity);
    const before = doubts?.get(member);
    if (!doubts || !before) return;
    this.#count(member, before.room, -1);
    doubts.delete(member);
    if (doubts.size === 0) this.#doubts.delete(activity);
  }

  /** This node is no member any more. */
  drop(activity: Hash): void {
    for (const doubts of [this.#doubts, this.#twice]) {
      for (const [member, { room }] of doubts.get(activity) ?? []) this.#count(member, room, -1);
      doubts.delete(activity);
    }
    this.#forked.delete(activity);
  }

  /** What this node has seen itself. */
  forked(activity: Hash, forks: readonly Fork[]): void {
    if (forks.length === 0 || this.#forked.has(activity) || this.#forked.size >= mostForked) return;
    this.#forked.add(activity);
    this.#parts.logger.error({ activity, forks }, 'a member has told others something else than this node');
  }

  /**
   * Problems are read by others, too: they say neither which activities nor which members.
   * @param held Activities of which something has waited too long for what it builds on.
   */
  tell(held: number): void {
    const { clock, settings, problems } = this.#parts;
    const nowMs = clock.nowMs();
    const all = [...this.#doubts.values(), ...this.#twice.values()].flatMap((doubts) => [...doubts.values()]);
    const countOf = (kind: Doubt['kind']): number => all.filter((doubt) => doubt.kind === kind).length;
    // Who was removed is not told but by this: in the usual case nobody has lied.
    const excluded = countOf('excluded');
    const missing = all.filter((doubt) => isMissing(doubt.kind) && isTold(doubt, nowMs, settings));
    const late = held + missing.length;
    const forks = this.#forked.size + countOf('forked');
    if (forks > 0) problems.raise('activity-forked', `seen ${times(forks)}: see the activities`);
    else problems.clear('activity-forked');
    if (excluded > 0) problems.raise('activity-excluded', `said ${times(excluded)}: see the activities`);
    else problems.clear('activity-excluded');
    if (late > 0) problems.raise('activity-incomplete', `seen ${times(late)}: see the activities`);
    else problems.clear('activity-incomplete');
  }

  /** Whether there is room for one more. */
  #count(member: Address, room: Room, change: 1 | -1): boolean {
    const key = `${member}/${room}` as const;
    const count = (this.#counts.get(key) ?? 0) + change;
    if (count > mostOf[room]) return false;
    if (count > 0) this.#counts.set(key, count);
    else this.#counts.delete(key);
    return true;
  }
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

/** Whether somebody is to look at it: what has not come yet may be on its way. */
export function isTold(
  { kind, sinceMs }: DatedDoubt,
  nowMs: number,
  { incompleteMs }: Pick<ActivityHost['settings'], 'incompleteMs'>,
): boolean {
  return !isMissing(kind) || nowMs - sinceMs >= incompleteMs;
}

function isMissing(kind: Doubt['kind']): boolean {
  return kind === 'lacking' || kind === 'unknown';
}
