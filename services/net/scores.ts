import type { Address } from '../core/bytes.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { NetLimits } from './Net.ts';
import type { NetMetrics } from './netMetrics.ts';

type Conduct = {
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
  readonly #conducts = new Map<Address, Conduct>();
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
    const conduct = this.#current(peer) ?? { score: 0, atMs: this.#clock.nowMs(), said: new Set<string>() };
    this.#conducts.set(peer, conduct);
    conduct.score += points;
    this.#metrics.blamed.inc({ reason }, points);
    if (!conduct.said.has(reason)) {
      conduct.said.add(reason);
      this.#logger.warn({ peer, reason, points, score: conduct.score }, 'a peer misbehaves');
    }
    if (conduct.cutOff !== undefined || conduct.score < this.#limits.cutOffScore) return;
    conduct.cutOff = { reason, untilMs: this.#clock.nowMs() + this.#limits.cutOffMs };
    this.#metrics.cutOff.inc({ reason });
    this.#logger.warn({ peer, reason, score: conduct.score, cutOffMs: this.#limits.cutOffMs }, 'peer cut off');
    this.#onCutOff(peer);
  }

  scoreOf(peer: Address): number {
    return this.#current(peer)?.score ?? 0;
  }

  /** Why the peer is cut off now. */
  cutOffReason(peer: Address): string | undefined {
    return this.#current(peer)?.cutOff?.reason;
  }

  #current(peer: Address): Conduct | undefined {
    const conduct = this.#conducts.get(peer);
    if (conduct === undefined) return undefined;
    const nowMs = this.#clock.nowMs();
    if (conduct.cutOff !== undefined) {
      if (nowMs < conduct.cutOff.untilMs) return conduct;
      // Back on probation: the next cut-off takes half as much.
      const probation: Conduct = { score: this.#limits.cutOffScore / 2, atMs: nowMs, said: new Set() };
      this.#conducts.set(peer, probation);
      return probation;
    }
    // By whole points: two faults in a row of half the limit each are the limit, not a trifle less.
    const pointMs = forgetMs / this.#limits.cutOffScore;
    const forgotten = Math.floor(Math.max(0, nowMs - conduct.atMs) / pointMs);
    conduct.score = Math.max(0, conduct.score - forgotten);
    conduct.atMs += forgotten * pointMs;
    if (conduct.score > 0) return conduct;
    this.#conducts.delete(peer);
    return undefined;
  }
}
