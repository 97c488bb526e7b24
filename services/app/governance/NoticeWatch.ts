import type { Governance } from '../../chain/Governance.ts';
import { every, type Loop } from '../../lib/every.ts';
import { silentLogger } from '../../lib/logger.ts';
import type { Lease } from '../../store/Store.ts';
import type { CentreParts } from '../CentreParts.ts';
import { ProcessLease, renewMs } from '../ProcessLease.ts';
import { Waiters } from '../Waiters.ts';
import type { Notices } from './GovernanceParts.ts';

/** What the watch needs of the rest. */
export type NoticeWatchParts = Pick<CentreParts, 'store' | 'clock' | 'logger' | 'problems' | 'settings'> & {
  readonly governance: Governance;
  /** false: another process reads the chain, and this one follows the store. */
  readonly isReading: boolean;
};

/** See {@link Notices}. */
export class NoticeWatch implements Notices {
  readonly #parts: NoticeWatchParts;
  readonly #handlers: (() => Promise<void> | void)[] = [];
  readonly #stop = new AbortController();
  readonly #lease: ProcessLease;
  readonly #waiters = new Waiters();
  #loops: Loop[] = [];
  #isHinted = false;
  #newestSeconds = 0;

  constructor(parts: NoticeWatchParts) {
    this.#parts = parts;
    this.#lease = new ProcessLease('notices', parts, () => {});
  }

  onNotices(handler: () => Promise<void> | void): void {
    this.#handlers.push(handler);
  }

  lookSoon(): void {
    this.#isHinted = true;
    this.#waiters.wake();
  }

  chainSeconds(): number {
    return Math.max(Math.floor(this.#parts.clock.nowMs() / 1000), this.#newestSeconds);
  }

  async lease(): Promise<Lease | undefined> {
    return this.#parts.isReading ? await this.#lease.hold() : undefined;
  }

  start(): void {
    const { clock, settings } = this.#parts;
    const common = { signal: this.#stop.signal, logger: silentLogger };
    const sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
      if (!this.#isHinted) await this.#waiters.wait(ms, signal);
    };
    this.#loops = [
      every(settings.watchMs, () => this.#look(), {
        ...common,
        name: 'notices',
        clock: { nowMs: () => clock.nowMs(), sleep },
      }),
      every(renewMs, () => this.#lease.renew(), { ...common, name: 'lease of notices' }),
    ];
  }

  async close(): Promise<void> {
    this.#stop.abort();
    for (const { done } of this.#loops) await done;
    await this.#lease.release();
  }

  async #look(): Promise<void> {
    this.#isHinted = false;
    await this.#tell();
  }

  async #tell(): Promise<void> {
    for (const handler of this.#handlers) {
      try {
        await handler();
      } catch (error) {
        this.#parts.logger.error({ err: error }, 'what follows from notices failed');
      }
    }
  }
}
