import type { Governance } from '../../chain/Governance.ts';
import { every, type Loop } from '../../lib/every.ts';
import { silentLogger } from '../../lib/logger.ts';
import type { Lease } from '../../store/WriteOptions.ts';
import type { CentreParts } from '../CentreParts.ts';
import { ProcessLease, renewMs } from '../ProcessLease.ts';
import { Waiters } from '../Waiters.ts';
import type { Notices } from './GovernanceParts.ts';
import { NoticeReader } from './NoticeReader.ts';

/** What the watch needs of the rest. */
export type NoticeWatchParts = Pick<CentreParts, 'store' | 'chain' | 'clock' | 'logger' | 'problems' | 'settings'> & {
  readonly governance: Governance;
  /** false: another process reads the chain, and this one follows the store. */
  readonly isReading: boolean;
};

/**
 * See {@link Notices}. Of several processes on one database, the one with the lease reads the chain; the others look whether
 * it has stored something. What fails is a problem of the centre until it goes well again.
 */
export class NoticeWatch implements Notices {
  readonly #parts: NoticeWatchParts;
  readonly #handlers: (() => Promise<void> | void)[] = [];
  readonly #looking = new AbortController();
  readonly #holding = new AbortController();
  readonly #lease: ProcessLease;
  readonly #reader: NoticeReader;
  readonly #waiters = new Waiters();
  #watching: Loop | undefined;
  #renewing: Loop | undefined;
  #isHinted = false;
  #hasTold = false;
  /** Notices may be stored that a handler has not been told of, or has failed over. */
  #isUntold = false;
  /** Another process had the lease at the last look. */
  #isFollowing = false;
  /** The newest place that another process has stored. */
  #followed: string | undefined;

  constructor(parts: NoticeWatchParts) {
    this.#parts = parts;
    this.#reader = new NoticeReader({ ...parts, confirmations: parts.settings.confirmations });
    this.#lease = new ProcessLease('notices', parts, () => this.#reader.forget());
  }

  onNotices(handler: () => Promise<void> | void): void {
    this.#handlers.push(handler);
  }

  lookSoon(): void {
    this.#isHinted = true;
    this.#waiters.wake();
  }

  chainSeconds(): number {
    return Math.max(Math.floor(this.#parts.clock.nowMs() / 1000), this.#reader.newestSeconds);
  }

  async lease(): Promise<Lease | undefined> {
    return this.#parts.isReading && !this.#holding.signal.aborted ? await this.#lease.hold() : undefined;
  }

  /** Begins; what fails is tried again. */
  start(): void {
    const { clock, settings, logger } = this.#parts;
    const sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
      if (!this.#isHinted) await this.#waiters.wait(ms, signal);
    };
    this.#watching = every(settings.watchMs, () => this.#look(), {
      signal: this.#looking.signal,
      // What fails is reported below, once, not at every run.
      logger: silentLogger,
      onFailure: (error) => this.#report(error),
      name: 'notices',
      clock: { nowMs: () => clock.nowMs(), sleep },
    });
    this.#renewing = every(renewMs, () => this.#lease.renew(), {
      signal: this.#holding.signal,
      logger: silentLogger,
      onFailure: (error) => logger.debug({ err: error }, 'the lease of notices could not be renewed'),
      name: 'lease of notices',
    });
  }

  /** Ends the looking; the lease is kept until {@link close}. */
  async stop(): Promise<void> {
    this.#looking.abort();
    await this.#watching?.done;
  }

  async close(): Promise<void> {
    await this.stop();
    this.#holding.abort();
    await this.#renewing?.done;
    await this.#lease.release();
  }

  async #look(): Promise<void> {
    const { problems, logger } = this.#parts;
    this.#isHinted = false;
    if (!this.#hasTold) await this.#tell();
    this.#hasTold = true;
    await this.#catchUp();
    // No further notice may come for a long time.
    if (this.#isUntold) await this.#tell();
    if (problems.clear('notices-delayed')) logger.info({}, 'reading what the chain says of proposals again');
  }

  async #catchUp(): Promise<void> {
    let hasMore = true;
    while (hasMore && !this.#looking.signal.aborted) {
      const lease = await this.lease();
      if (!lease) return await this.#follow();
      const batch = await this.#reader.read(lease);
      // What the other process has left to do must not wait for the next notice.
      if (batch.hasStored || this.#isFollowing) await this.#tell();
      this.#isFollowing = false;
      hasMore = batch.hasMore;
    }
  }

  async #follow(): Promise<void> {
    this.#reader.forget();
    this.#isFollowing = true;
    const [place] = await this.#parts.store.noticeCheckpoints(1);
    const newest = JSON.stringify(place);
    if (newest === this.#followed) return;
    this.#followed = newest;
    await this.#tell();
  }

  async #tell(): Promise<void> {
    this.#isUntold = false;
    for (const handler of this.#handlers) {
      try {
        await handler();
      } catch (error) {
        this.#isUntold = true;
        this.#parts.logger.error({ err: error }, 'what follows from notices failed');
      }
    }
  }

  #report(error: unknown): void {
    const { problems, logger } = this.#parts;
    // A database may have stored a batch although the answer to that was lost.
    this.#isUntold = true;
    const detail = error instanceof Error ? error.message : String(error);
    // Said once, and shown until it is over.
    if (problems.raise('notices-delayed', detail)) logger.error({ err: error }, 'reading notices waits');
  }
}
