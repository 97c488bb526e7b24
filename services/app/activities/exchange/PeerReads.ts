import type { Activity } from '../../../core/activities/activity.ts';
import { pathTo } from '../../../core/activities/pathTo.ts';
import type { Address, Hash } from '../../../core/bytes.ts';
import { NotariumError } from '../../../core/errors.ts';
import type { Activities } from '../Activities.ts';

/** In so much time each peer may have as much read again as at once: at 200,000 messages it is about a fifth of all time. */
const refillMs = 40_000;
/** Messages, or epochs, that are looked through for what it takes to read one message. */
const lookedForOne = 32;
/** What somebody else has made large may be read for a peer: more than so many times what it may have at once it does not have to wait for. */
const mostBursts = 2;

type InMemory = {
  inMemory(id: Hash): Pick<Activity, 'taken' | 'epochs' | 'group'> | undefined;
};

/**
 * Bounds the work that the requests of each peer make of activities: these have thousands of messages where somebody wants that, and are asked
 * for in a hundred bytes, again and again. It is counted in messages that are read from the disk, for the time that something takes depends on
 * what else goes on. A request that is begun is answered whole, whatever it takes; the next ones wait for that.
 */
export class PeerReads {
  readonly #activities: Pick<Activities, 'find'> & InMemory;
  readonly #burst: number;
  readonly #nowMs: () => number;
  /** What they have used, and when that was so. */
  readonly #used = new Map<Address, { readonly messages: number; readonly atMs: number }>();
  /** Activities that are being read. */
  readonly #reading = new Set<Hash>();

  /** @param options.burst Messages at once. */
  constructor(
    activities: Pick<Activities, 'find'> & InMemory,
    options: { readonly burst: number; readonly nowMs?: () => number },
  ) {
    this.#activities = activities;
    this.#burst = options.burst;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /** @throws NotariumError `peer-busy` for a peer that has had more read than it may. */
  check(peer: Address): void {
    if (this.#usedBy(peer) > this.#burst)
      throw new NotariumError('peer-busy', 'too much has to be read for its requests', { data: { want: this.#burst } });
  }

  /** As `Activities.find`, on the account of a peer. */
  find(peer: Address, id: Hash): Promise<Activity | undefined> {
    return this.charge(peer, id, () => this.#activities.find(id));
  }

  /** Does what may have an activity read, on the account of a peer; of several who wait for the same, of the first. */
  async charge<T>(peer: Address, id: Hash, work: () => Promise<T>): Promise<T> {
    if (this.#activities.inMemory(id) || this.#reading.has(id)) return await work();
    this.#reading.add(id);
    try {
      return await work();
    } finally {
      this.#reading.delete(id);
      const read = this.#activities.inMemory(id);
      if (read) this.#use(peer, workOf(read));
    }
  }

  /** So many messages or epochs of one that is in memory were looked through for a peer. */
  looked(peer: Address, count: number): void {
    this.#use(peer, count / lookedForOne);
  }

  #use(peer: Address, messages: number): void {
    const used = Math.min(mostBursts * this.#burst, this.#usedBy(peer) + messages);
    this.#used.set(peer, { messages: used, atMs: this.#nowMs() });
  }

  #usedBy(peer: Address): number {
    const used = this.#used.get(peer);
    const left = used ? used.messages - ((this.#nowMs() - used.atMs) * this.#burst) / refillMs : 0;
    if (left > 0) return left;
    this.#used.delete(peer);
    return 0;
  }
}

/** Of an epoch beside the way to the newest one at most as much as of all others: whoever wants that makes branches of them. */
function workOf({ taken, epochs, group }: Pick<Activity, 'taken' | 'epochs' | 'group'>): number {
  const beside = epochs.size - pathTo(epochs, group).length;
  return taken.size + (beside * epochs.size) / 2 / lookedForOne;
}
