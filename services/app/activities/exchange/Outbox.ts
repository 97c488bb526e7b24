import type { Address } from '../../../core/bytes.ts';
import type { Net } from '../../../net/Net.ts';
import type { ActivityParts } from '../ActivityParts.ts';
import { MemberQueue } from './MemberQueue.ts';

/**
 * Sends what is on the disk for members: each has a worker of its own, so that one that cannot be reached delays nobody. Of several
 * processes of a node the one on duty does.
 */
export class Outbox {
  readonly #parts: ActivityParts;
  readonly #queues = new Map<Address, MemberQueue>();
  /** Ends the queues: for good, or until this process is on duty again. */
  #stop = new AbortController();
  #isClosed = false;
  #isOnDuty = false;
  #net: Net | undefined;

  constructor(parts: ActivityParts) {
    this.#parts = parts;
  }

  /** There is a network now: everything that waits goes on its way. */
  async join(net: Net): Promise<void> {
    this.#net = net;
    net.onConnect((peer) => this.#queues.get(peer)?.connected());
    await this.look();
  }

  /** Begins to deliver where this process is on duty now, ends where it is not any more, and finds what other processes have put there. */
  async look(): Promise<void> {
    const { onDuty, store } = this.#parts;
    // Who is not in the network leaves the duty to one that is.
    if (!this.#net || this.#isClosed) return;
    const was = this.#isOnDuty;
    this.#isOnDuty = await onDuty();
    if (was && !this.#isOnDuty) await this.#end();
    if (this.#isOnDuty && (!was || store.isShared)) this.wake(await store.waiting());
  }

  /** Something was put on the disk for these members. */
  wake(members: readonly Address[]): void {
    const net = this.#net;
    if (!net || !this.#isOnDuty || this.#isClosed) return;
    for (const member of members) {
      let queue = this.#queues.get(member);
      if (!queue) {
        queue = new MemberQueue(this.#parts, { net, member, signal: this.#stop.signal });
        this.#queues.set(member, queue);
      }
      queue.wake();
    }
  }

  /** Counts what waits, and tells of what has waited too long. Whom it is for stays here: others read of problems, too. */
  async report(held: number): Promise<void> {
    const { store, clock, settings, problems, metrics, logger } = this.#parts;
    // Who is on duty tells.
    if (this.#net && !this.#isOnDuty) {
      metrics.waiting({ queued: 0, oldestSeconds: 0, held });
      problems.clear('activity-undelivered');
      return;
    }
    const waiting = await store.oldestQueued();
    const nowMs = clock.nowMs();
    const oldestMs = Math.max(0, ...waiting.map(({ queuedMs }) => nowMs - queuedMs));
    const queued = waiting.reduce((sum, { count }) => sum + count, 0);
    metrics.waiting({ queued, oldestSeconds: oldestMs / 1000, held });
    const late = waiting.filter(({ queuedMs }) => nowMs - queuedMs > settings.undeliveredMs);
    if (late.length === 0) {
      problems.clear('activity-undelivered');
      return;
    }
    const detail = `to ${late.length} ${late.length === 1 ? 'member' : 'members'}, for ${Math.floor(oldestMs / 60_000)} minutes`;
    if (problems.raise('activity-undelivered', detail))
      logger.warn({ members: late.map(({ member }) => member) }, 'messages wait for members that do not take them');
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#end();
  }

  async #end(): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#queues.values()].map((queue) => queue.done()));
    this.#queues.clear();
    this.#stop = new AbortController();
  }
}
