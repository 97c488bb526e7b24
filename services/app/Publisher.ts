import { randomUUID } from 'node:crypto';
import { publisherOf, slotAt } from '../core/committee.ts';
import { isNotariumError, NotariumError } from '../core/errors.ts';
import { every, type Loop } from '../lib/every.ts';
import { silentLogger } from '../lib/logger.ts';
import type { Lease } from '../store/Store.ts';
import { advanceBlock } from './advanceBlock.ts';
import type { CentreParts } from './CentreParts.ts';
import { reconcile } from './reconcile.ts';
import { sealBlock } from './sealBlock.ts';

const leaseName = 'publisher';
const leaseMs = 10_000;

/**
 * Publishes: seals a block in each slot that is this centre's turn, and takes it through to the committed log. One block
 * is on its way at a time. Of several processes on one database, the one with the lease publishes.
 */
export class Publisher {
  #parts: CentreParts;
  #onChange: () => void;
  #stop = new AbortController();
  #loop: Loop | undefined;
  #lease: Lease | undefined;
  #reconciled = false;
  #lastSlot = -1;
  #owner: string;

  /** `onChange` is called after each step that others may be waiting for. */
  constructor(parts: CentreParts, onChange: () => void) {
    this.#parts = parts;
    this.#onChange = onChange;
    // The lock of a data folder lets one process in only: after a kill -9 it need not wait for its own lease to run out.
    this.#owner = parts.store.engine === 'sqlite' ? 'data folder' : randomUUID();
  }

  start(): void {
    this.#loop = every(this.#parts.settings.tickMs, () => this.#tick(), {
      signal: this.#stop.signal,
      // What fails is reported below, once, not at every run.
      logger: silentLogger,
      name: 'publisher',
      onFailure: (error) => this.#report(error),
    });
  }

  /** Ends after the step under way; a block on its way is taken up again at the next start. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loop?.done;
    if (this.#lease) await this.#parts.store.releaseLease(this.#lease);
  }

  async #tick(): Promise<void> {
    const { store, problems } = this.#parts;
    const lease = await this.#holdLease();
    if (!lease) return;
    if (!this.#reconciled) {
      await this.#parts.chain.checkInstance();
      await reconcile(this.#parts, lease);
      this.#reconciled = true;
      problems.clear('chain-forgot-anchors', 'store-behind-chain', 'chain-mismatch', 'chain-contract-missing');
      this.#onChange();
    }
    const [live] = await store.liveBlocks();
    if (live) {
      const step = await advanceBlock(this.#parts, live, lease);
      // A block that is given up may mean that the chain holds another one: look before sealing anew.
      if (step === 'void') this.#reconciled = false;
      this.#onChange();
      if (step !== 'committed') return this.#well();
    }
    if (await this.#seal(lease)) this.#onChange();
    this.#well();
    problems.clear('internal', 'storage-full', 'storage-failed', 'vote-conflict', 'quorum-unreachable');
  }

  async #seal(lease: Lease): Promise<boolean> {
    const { store, chain, clock, problems, periodSeconds, signer } = this.#parts;
    const slot = slotAt(clock.nowMs(), periodSeconds);
    const previous = await store.committedBlock();
    const isCovered = store.logSize() === (previous?.header.treeSize ?? 0);
    if (slot <= this.#lastSlot || (isCovered && (await store.poolStatus()).count === 0)) return false;
    const committee = await chain.committee();
    if (!committee.members.includes(signer.address)) {
      throw new NotariumError('not-in-committee', signer.address, { data: { epoch: committee.epoch } });
    }
    problems.clear('not-in-committee');
    if (publisherOf(committee, slot) !== signer.address || slot <= (previous?.header.slot ?? -1)) return false;
    await this.#checkClock();
    const block = await sealBlock(this.#parts, slot, committee, lease);
    this.#lastSlot = slot;
    if (block) await advanceBlock(this.#parts, block, lease);
    return block !== undefined;
  }

  /** A header for a slot that the chain does not believe in would only be refused: better to say so. */
  async #checkClock(): Promise<void> {
    const { chain, clock, periodSeconds, problems } = this.#parts;
    const { pendingSeconds, latestSeconds } = await chain.chainTime();
    const nowSeconds = clock.nowMs() / 1000;
    const skewSeconds = Math.max(latestSeconds - nowSeconds, nowSeconds - (pendingSeconds ?? nowSeconds));
    if (skewSeconds > Math.max(periodSeconds, 5)) {
      throw new NotariumError('clock-skewed', `by ${Math.round(skewSeconds)} s`, { data: { skewSeconds } });
    }
    problems.clear('clock-skewed');
  }

  async #holdLease(): Promise<Lease | undefined> {
    const { store, clock } = this.#parts;
    const lease = this.#lease;
    if (lease && lease.expiresMs - clock.nowMs() > leaseMs / 2) return lease;
    this.#lease = lease
      ? await store.renewLease(lease, leaseMs)
      : await store.acquireLease(leaseName, this.#owner, leaseMs);
    // Another process may have published in between.
    if (lease && !this.#lease) this.#reconciled = false;
    return this.#lease;
  }

  #well(): void {
    const { problems, logger } = this.#parts;
    const over = problems.clear(
      'chain-unreachable',
      'chain-funds-missing',
      'chain-fees-too-high',
      'chain-anchor-rejected',
    );
    if (over) logger.info({}, 'publishing again');
  }

  #report(error: unknown): void {
    const { problems, logger } = this.#parts;
    // Said once, and shown until it is over: a chain that is down for an hour is one line, not 36,000.
    if (problems.raiseError(error)) logger.error({ err: error }, 'publishing waits');
    if (isNotariumError(error, 'chain-mismatch') || isNotariumError(error, 'chain-contract-missing')) {
      this.#reconciled = false;
    }
    if (isNotariumError(error, 'chain-unreachable')) this.#reconciled = false;
  }
}
