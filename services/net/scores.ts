import type { Address } from '../core/bytes.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { NetLimits } from './Net.ts';
import type { NetMetrics } from './netMetrics.ts';

type Record = {
  score: number;
  atMs: number;
  cutOff?: { readonly reason: string; readonly untilMs: number };
  /** Reasons that the log has named already. */
  readonly said: Set<string>;
};

// A score that would just cut off is forgotten in this time: faults now and then are no attack.
const forgetMs = 10 * 60_000;

/** Remembers what peers did wrong, whether or not they are connected. */
export class Scores {
  readonly #records = new Map<Address, Record>();
  readonly #limits: NetLimits;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #metrics: NetMetrics;
  readonly #onCutOff: (peer: Address) => void;

  constructor(options: {
    limits: NetLimits;
    clock: Clock;
    logger: Logger;
    metrics: NetMetrics;
    onCutOff: (peer: Address) => void;
  }) {
    this.#limits = options.limits;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#metrics = options.metrics;
    this.#onCutOff = options.onCutOff;
  }

  blame(peer: Address, reason: string, points: number): void {
    const record = this.#current(peer) ?? { score: 0, atMs: this.#clock.nowMs(), said: new Set<string>() };
    this.#records.set(peer, record);
    record.score += points;
    this.#metrics.blamed.inc({ reason }, points);
    if (!record.said.has(reason)) {
      record.said.add(reason);
      this.#logger.warn({ peer, reason, points, score: record.score }, 'a peer misbehaves');
    }
    if (record.cutOff !== undefined || record.score < this.#limits.cutOffScore) return;
    record.cutOff = { reason, untilMs: this.#clock.nowMs() + this.#limits.cutOffMs };
    this.#metrics.cutOff.inc({ reason });
    this.#logger.warn({ peer, reason, score: record.score, cutOffMs: this.#limits.cutOffMs }, 'peer cut off');
    this.#onCutOff(peer);
  }

  scoreOf(peer: Address): number {
    return this.#current(peer)?.score ?? 0;
  }

  /** Why the peer is cut off now. */
  cutOffReason(peer: Address): string | undefined {
    return this.#current(peer)?.cutOff?.reason;
  }

  #current(peer: Address): Record | undefined {
    const record = this.#records.get(peer);
    if (record === undefined) return undefined;
    const nowMs = this.#clock.nowMs();
    if (record.cutOff !== undefined) {
      if (nowMs < record.cutOff.untilMs) return record;
      // Back on probation: the next cut-off takes half as much.
      const probation: Record = { score: this.#limits.cutOffScore / 2, atMs: nowMs, said: new Set() };
      this.#records.set(peer, probation);
      return probation;
    }
    const forgotten = (Math.max(0, nowMs - record.atMs) / forgetMs) * this.#limits.cutOffScore;
    record.score = Math.max(0, record.score - forgotten);
    record.atMs = nowMs;
    if (record.score > 0) return record;
    this.#records.delete(peer);
    return undefined;
  }
}
