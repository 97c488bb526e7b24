import type { Activity } from '../../../core/activities/activity.ts';
import type { Address, Hash } from '../../../core/bytes.ts';
import { NotariumError } from '../../../core/errors.ts';
import type { Activities } from '../Activities.ts';

/** In so much time each peer may have as much read again as at once: about a tenth of all time. */
const refillMs = 40_000;
/** Messages that are compared for what it takes to read one. */
const comparedForOne = 32;

/**
 * Bounds how much of activities the requests of each peer have read from the disk: what begins one has thousands of messages made of some
 * kilobytes, and asks for it in a hundred bytes, again and again. It is counted in messages, for the time that something takes depends on what
 * else goes on. A request that is begun is answered whole, whatever it takes; the next ones wait for that.
 */
export class PeerReads {
  readonly #activities: Pick<Activities, 'find' | 'messagesOf'>;
  readonly #burst: number;
  readonly #nowMs: () => number;
  /** What they have used, and when that was so. */
  readonly #used = new Map<Address, { readonly messages: number; readonly atMs: number }>();
  /** Activities that are being read. */
  readonly #reading = new Set<Hash>();

  /** @param options.burst Messages at once. */
  constructor(
    activities: Pick<Activities, 'find' | 'messagesOf'>,
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
    if (this.#activities.messagesOf(id) > 0 || this.#reading.has(id)) return await work();
    this.#reading.add(id);
    try {
      return await work();
    } finally {
      this.#reading.delete(id);
      this.#use(peer, this.#activities.messagesOf(id));
    }
  }

  /** So many messages were compared for a peer. */
  compared(peer: Address, messages: number): void {
    this.#use(peer, messages / comparedForOne);
  }

  #use(peer: Address, messages: number): void {
    this.#used.set(peer, { messages: this.#usedBy(peer) + messages, atMs: this.#nowMs() });
  }

  #usedBy(peer: Address): number {
    const used = this.#used.get(peer);
    const left = used ? used.messages - ((this.#nowMs() - used.atMs) * this.#burst) / refillMs : 0;
    if (left > 0) return left;
    this.#used.delete(peer);
    return 0;
  }
}
