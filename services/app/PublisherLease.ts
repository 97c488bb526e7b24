import { randomUUID } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import type { Lease, Store } from '../store/Store.ts';

const leaseName = 'publisher';
const leaseMs = 10_000;
/** How often {@link PublisherLease.renew} is to be called. */
export const renewMs = 2_500;

/** The lease by which one process of a centre publishes. */
export class PublisherLease {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #owner: string;
  readonly #onLost: () => void;
  #lease: Lease | undefined;

  /** `onLost` is told that another process may have published since. */
  constructor(store: Store, clock: Clock, onLost: () => void) {
    this.#store = store;
    this.#clock = clock;
    this.#onLost = onLost;
    // The lock of a data folder lets one process in only: after a kill -9 it need not wait for its own lease to run out.
    this.#owner = store.engine === 'sqlite' ? 'data folder' : randomUUID();
  }

  /** The lease, or undefined while another process has it. */
  async hold(): Promise<Lease | undefined> {
    if (!this.#lease) this.#lease = await this.#store.acquireLease(leaseName, this.#owner, leaseMs);
    // After a pause of the whole process.
    else if (this.#lease.expiresMs - this.#clock.nowMs() < renewMs) await this.renew();
    return this.#lease;
  }

  /** Keeps what is held, also while a step of the publisher takes longer than the lease. */
  async renew(): Promise<void> {
    const lease = this.#lease;
    if (!lease) return;
    const renewed = await this.#store.renewLease(lease, leaseMs);
    if (this.#lease !== lease) return;
    this.#lease = renewed;
    if (!renewed) this.#onLost();
  }

  async release(): Promise<void> {
    if (this.#lease) await this.#store.releaseLease(this.#lease);
  }
}
