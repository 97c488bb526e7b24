import type { Address, Hash } from '../../../core/bytes.ts';
import { NotariumError } from '../../../core/errors.ts';
import type { ActivityParts } from '../ActivityParts.ts';

type Waiting = {
  readonly members: readonly Address[];
  readonly end: AbortController;
  /** The time that is left is another one since. */
  readonly joined: AbortController;
};

// The network comes late where the chain does.
const timesWithoutNetwork = 6;

/**
 * What this node knew when it was started may be a backup of long ago: before it says something in an activity of that time, the members have
 * told it what it lacks; all of them, as it may have removed one since. For some time only, so that it says something where they are away.
 */
export class FirstComparisons {
  readonly #parts: Pick<ActivityParts, 'store' | 'clock' | 'settings'>;
  readonly #signal: AbortSignal;
  readonly #openedMs: number;
  // By the machine's own time, whatever the clock is set to.
  #endMs: number;
  readonly #done = new Map<Hash, Set<Address>>();
  readonly #waiting = new Map<Hash, Set<Waiting>>();

  constructor(parts: Pick<ActivityParts, 'store' | 'clock' | 'settings'>, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
    this.#openedMs = parts.clock.nowMs();
    const { store, settings } = parts;
    // Another process may be the one in the network; else nobody can be asked before it is.
    this.#endMs = performance.now() + (store.isShared ? 1 : timesWithoutNetwork) * settings.catchUpMs;
  }

  /** There is a network: from now on members can be asked. */
  joined(): void {
    this.#endMs = performance.now() + this.#parts.settings.catchUpMs;
    for (const { joined } of [...this.#waiting.values()].flatMap((each) => [...each])) joined.abort();
  }

  get #leftMs(): number {
    return this.#endMs - performance.now();
  }

  /** A member has the same, or has given what this node lacked. */
  compared(activity: Hash, member: Address): void {
    if (this.#leftMs <= 0) {
      this.#done.clear();
      return;
    }
    this.#done.set(activity, (this.#done.get(activity) ?? new Set()).add(member));
    for (const { members, end } of this.#waiting.get(activity) ?? []) if (this.#isDone(activity, members)) end.abort();
  }

  /** Whether something may have been said in it that this node does not know yet. */
  async isBehind(activity: Hash, members: readonly Address[]): Promise<boolean> {
    return (await this.#isFromBefore(activity)) && !this.#isDone(activity, members);
  }

  /** @param ask Asks the members; answers which. @throws NotariumError `not-ready` where this node is stopped meanwhile. */
  async wait(activity: Hash, ask: () => Promise<readonly Address[]>): Promise<void> {
    if (!(await this.#isFromBefore(activity))) return;
    const members = await ask();
    if (this.#isDone(activity, members)) return;
    const one = { members, end: new AbortController(), joined: new AbortController() };
    const waiting = this.#waiting.get(activity) ?? new Set();
    this.#waiting.set(activity, waiting.add(one));
    try {
      const signal = AbortSignal.any([this.#signal, one.end.signal]);
      await this.#parts.clock.sleep(Math.max(0, this.#leftMs), AbortSignal.any([signal, one.joined.signal]));
      if (one.joined.signal.aborted) await this.#parts.clock.sleep(Math.max(0, this.#leftMs), signal);
      // Nobody has said anything: what would be said now, would be sent with the next start.
      if (this.#signal.aborted && !one.end.signal.aborted) throw new NotariumError('not-ready', 'it is being stopped');
    } finally {
      waiting.delete(one);
      if (waiting.size === 0) this.#waiting.delete(activity);
    }
  }

  async #isFromBefore(activity: Hash): Promise<boolean> {
    if (this.#leftMs <= 0) return false;
    const stored = await this.#parts.store.activity(activity);
    return stored !== undefined && stored.createdMs < this.#openedMs;
  }

  #isDone(activity: Hash, members: readonly Address[]): boolean {
    const done = this.#done.get(activity);
    return members.every((member) => done?.has(member));
  }
}
