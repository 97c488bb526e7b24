import { LRUCache } from 'lru-cache';
import type { Address } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import type { Clock } from '../../lib/clock.ts';
import type { AdmissionStore } from '../../store/AdmissionStore.ts';
import type { AdmissionSettings } from './AdmissionSettings.ts';

const dayMs = 86_400_000;
/** Requests that come to nothing before there is a session: as many at once, and one more in so many seconds. */
const badRequests = 20;
const secondsEach = 5;
const networksInMemory = 4_096;

/** What the limits need of the rest. */
export type AttemptLimitsParts = {
  readonly store: Pick<AdmissionStore, 'failedAttempts'>;
  readonly clock: Clock;
  readonly monotonicMs: () => number;
  readonly admissionSettings: AdmissionSettings;
};

/** Who has failed waits longer each time, whatever becomes of this process meanwhile. */
export class AttemptLimits {
  readonly #parts: AttemptLimitsParts;
  // Only the network is blamed for what its sender has not signed: otherwise anybody could lock a candidate out.
  readonly #bad = new LRUCache<string, { readonly left: number; readonly atMs: number }>({ max: networksInMemory });

  constructor(parts: AttemptLimitsParts) {
    this.#parts = parts;
  }

  /**
   * Counts a request of a network as one that comes to nothing, until {@link AttemptLimits.giveBack} says otherwise: many at
   * once are no way around it.
   * @throws NotariumError `admission-throttled` where there were too many.
   */
  take(network: string): void {
    const left = this.#left(network);
    if (left < 1) throw this.throttled(this.#parts.clock.nowMs() + 1000 * secondsEach);
    this.#set(network, left - 1);
  }

  /** The request has come to something, or was not to blame. */
  giveBack(network: string): void {
    this.#set(network, Math.min(badRequests, this.#left(network) + 1));
  }

  #set(network: string, left: number): void {
    this.#bad.set(network, { left, atMs: this.#parts.monotonicMs() });
  }

  #left(network: string): number {
    const bad = this.#bad.get(network);
    if (!bad) return badRequests;
    return Math.min(badRequests, bad.left + (this.#parts.monotonicMs() - bad.atMs) / (1000 * secondsEach));
  }

  /**
   * Checks that a candidate may try again, and that from its network somebody may.
   * @throws NotariumError `admission-throttled` with data { retryAt, retryAfterSeconds }.
   */
  async require(candidate: Address, network: string): Promise<void> {
    const nextMs = await this.nextMs(candidate, network);
    if (nextMs > this.#parts.clock.nowMs()) throw this.throttled(nextMs);
  }

  /** When the next attempt is taken, Unix milliseconds; 0 for now. */
  async nextMs(candidate: Address, network: string): Promise<number> {
    return Math.max(await this.#nextOf({ candidate }), await this.#nextOf({ network }));
  }

  /** The error of whoever has to wait. */
  throttled(nextMs: number): NotariumError {
    const retryAfterSeconds = Math.max(1, Math.ceil((nextMs - this.#parts.clock.nowMs()) / 1000));
    const retryAt = new Date(nextMs).toISOString();
    return new NotariumError('admission-throttled', `until ${retryAt}`, { data: { retryAt, retryAfterSeconds } });
  }

  async #nextOf(of: { candidate: Address } | { network: string }): Promise<number> {
    const { store, clock, admissionSettings } = this.#parts;
    const { firstWaitMs, longestWaitMs, attemptsPerDay } = admissionSettings;
    const nowMs = clock.nowMs();
    const found = await store.failedAttempts(of, nowMs - dayMs, attemptsPerDay);
    // The clock was ahead then: nobody is to wait until it is there again.
    const failed = found.filter((timeMs) => timeMs <= nowMs);
    const [newest] = failed;
    if (newest === undefined) return 0;
    if (failed.length >= attemptsPerDay) return failed[attemptsPerDay - 1]! + dayMs;
    return newest + Math.min(longestWaitMs, firstWaitMs * 2 ** (failed.length - 1));
  }
}
