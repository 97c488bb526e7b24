import { setImmediate } from 'node:timers/promises';
import type { Address } from '../../../core/bytes.ts';
import { NotariumError } from '../../../core/errors.ts';

/** Of all time, how much the checks of one member may take in the long run. */
const share = 0.1;

/**
 * Checks of bodies that members send. By a schema of theirs, or field by field, one can take most of a second without a pause, and nothing of
 * that is wrong: so one is made at a time, everything else has its turn between two, and each member has so much time for its own.
 */
export class BodyTurns {
  readonly #burstMs: number;
  readonly #nowMs: () => number;
  #last: Promise<unknown> = Promise.resolve();
  /** What they have used of their time, and when that was so. */
  readonly #used = new Map<Address, { readonly ms: number; readonly atMs: number }>();

  /** @param options.burstMs So much at once; then a tenth of the time. */
  constructor(options: { readonly burstMs: number; readonly nowMs?: () => number }) {
    this.#burstMs = options.burstMs;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /** @throws NotariumError `peer-busy` for a member that has used its time up; what the check throws. */
  take<T>(member: Address, check: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(() => this.#run(member, check));
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #run<T>(member: Address, check: () => Promise<T>): Promise<T> {
    const beginMs = this.#nowMs();
    const usedMs = this.#usedBy(member, beginMs);
    if (usedMs > this.#burstMs) throw new NotariumError('peer-busy', 'checks of its bodies take too long');
    await setImmediate();
    const startMs = this.#nowMs();
    try {
      return await check();
    } finally {
      const atMs = this.#nowMs();
      this.#used.set(member, { ms: this.#usedBy(member, atMs) + atMs - startMs, atMs });
    }
  }

  #usedBy(member: Address, nowMs: number): number {
    const used = this.#used.get(member);
    const leftMs = used ? used.ms - (nowMs - used.atMs) * share : 0;
    if (leftMs > 0) return leftMs;
    this.#used.delete(member);
    return 0;
  }
}
