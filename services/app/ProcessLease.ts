import { randomUUID } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import type { Store } from '../store/Store.ts';
import type { Lease } from '../store/WriteOptions.ts';

const leaseMs = 10_000;
/** How often {@link ProcessLease.renew} is to be called. */
export const renewMs = 2_500;

/** The lease by which one process of a centre does a kind of work: publishes, or reads the chain's notices. */
export class ProcessLease {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #name: string;
  readonly #owner: string;
  readonly #onLost: () => void;
  #lease: Lease | undefined;
  #acquiring: Promise<Lease | undefined> | undefined;

  /** `onLost` is told that another process may have done this work since. */
  constructor(name: string, parts: { readonly store: Store; readonly clock: Clock }, onLost: () => void) {
    this.#name = name;
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#onLost = onLost;
    // The lock of a data folder lets one process in only: after a kill -9 it need not wait for its own lease to run out.
    this.#owner = parts.store.engine === 'sqlite' ? 'data folder' : randomUUID();
  }

  /** The lease, or undefined while another process has it. */
  async hold(): Promise<Lease | undefined> {
    if (!this.#lease) {
      // Who asks at the same time gets the same one: a second one would make the first stale.
      this.#acquiring ??= this.#store.acquireLease(this.#name, this.#owner, leaseMs).finally(() => {
        this.#acquiring = undefined;
      });
      this.#lease = await this.#acquiring;
    }
    // After a pause of the whole process.
    else if (this.#lease.expiresMs - this.#clock.nowMs() < renewMs) await this.renew();
    return this.#lease;
  }

  /** Keeps what is held, also while a step of the work takes longer than the lease. */
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
