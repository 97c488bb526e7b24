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

const mostNamed = 256;

/** What members have or see otherwise: for whoever looks at an activity, and as problems of this node. */
export class Doubts {
  readonly #parts: Pick<ActivityHost, 'clock' | 'settings' | 'problems' | 'logger'>;
  readonly #doubts = new Map<Hash, Map<Address, DatedDoubt>>();
  /** What a member has signed twice: that both have the same messages now takes nothing of it back. */
  readonly #twice = new Map<Hash, Map<Address, DatedDoubt>>();
  readonly #forked = new Set<Hash>();

  constructor(parts: Pick<ActivityHost, 'clock' | 'settings' | 'problems' | 'logger'>) {
    this.#parts = parts;
  }

  of(activity: Hash): ReadonlyMap<Address, DatedDoubt> {
    return new Map([...(this.#doubts.get(activity) ?? []), ...(this.#twice.get(activity) ?? [])]);
  }

  /** A member has signed one message in two ways, and this node has seen both. */
  signedTwice(activity: Hash, member: Address): void {
    const members = this.#twice.get(activity) ?? new Map<Address, DatedDoubt>();
    if (members.has(member)) return;
    this.#parts.logger.warn({ activity, peer: member }, 'a member has signed the same message in two ways');
    members.set(member, { kind: 'forked', messages: [], sinceMs: this.#parts.clock.nowMs() });
    this.#twice.set(activity, members);
  }

  raise(activity: Hash, member: Address, { kind, messages }: Doubt): void {
    const { clock, logger } = this.#parts;
    const doubts = this.#doubts.get(activity) ?? new Map<Address, DatedDoubt>();
    const before = doubts.get(member);
    const sinceMs = before?.kind === kind ? before.sinceMs : clock.nowMs();
    if (before?.kind !== kind)
      logger.warn({ activity, peer: member, kind }, 'a member sees an activity in another way');
    doubts.set(member, { kind, messages: messages.slice(0, mostNamed), sinceMs });
    this.#doubts.set(activity, doubts);
  }

  /** Both have the same. */
  clear(activity: Hash, member: Address): void {
    const doubts = this.#doubts.get(activity);
    doubts?.delete(member);
    if (doubts?.size === 0) this.#doubts.delete(activity);
  }

  /** This node is no member any more. */
  drop(activity: Hash): void {
    this.#doubts.delete(activity);
    this.#twice.delete(activity);
    this.#forked.delete(activity);
  }

  /** What this node has seen itself. */
  forked(activity: Hash, forks: readonly Fork[]): void {
    if (forks.length === 0 || this.#forked.has(activity)) return;
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
    const split = all.filter(({ kind }) => kind === 'forked' || kind === 'excluded').length;
    const missing = all.filter(({ kind, sinceMs }) => isMissing(kind) && nowMs - sinceMs >= settings.incompleteMs);
    const late = held + missing.length;
    const forks = this.#forked.size + split;
    if (forks > 0) problems.raise('activity-forked', `seen ${forks} times: see the activities`);
    else problems.clear('activity-forked');
    if (late > 0) problems.raise('activity-incomplete', `seen ${late} times: see the activities`);
    else problems.clear('activity-incomplete');
  }
}

function isMissing(kind: Doubt['kind']): boolean {
  return kind === 'lacking' || kind === 'unknown';
}
