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
   * Checks that a network has not sent too many requests that came to nothing.
   * @throws NotariumError `admission-throttled`.
   */
  requireCaller(network: string): void {
    if (this.#left(network) < 1) throw this.throttled(this.#parts.clock.nowMs() + 1000 * secondsEach);
  }

  /** A request of this network has come to nothing. */
  blame(network: string): void {
    this.#bad.set(network, { left: Math.max(0, this.#left(network) - 1), atMs: this.#parts.clock.nowMs() });
  }

  #left(network: string): number {
    const bad = this.#bad.get(network);
    if (!bad) return badRequests;
    const passedMs = Math.max(0, this.#parts.clock.nowMs() - bad.atMs);
    return Math.min(badRequests, bad.left + passedMs / (1000 * secondsEach));
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
    const failed = await store.failedAttempts(of, clock.nowMs() - dayMs, attemptsPerDay);
    const [newest] = failed;
    if (newest === undefined) return 0;
    if (failed.length >= attemptsPerDay) return failed[attemptsPerDay - 1]! + dayMs;
    return newest + Math.min(longestWaitMs, firstWaitMs * 2 ** (failed.length - 1));
  }
}
