import type { Address } from '../../../core/bytes.ts';
import type { NotariumError } from '../../../core/errors.ts';
import type { Net } from '../../../net/Net.ts';
import type { ActivityHost } from '../ActivityHost.ts';

/** `net` once there is one. */
type Parts = Pick<ActivityHost, 'metrics' | 'logger' | 'clock'> & { readonly net?: Net };

/** Ten of them cut a peer off: by a fault of a version it does not come to that at once. */
export const malformedPoints = 10;
/** For what nobody sends who has checked it by the same rules. */
export const forgedPoints = 5;

// Whoever sends nonsense without end is not to fill the log with it; the metric counts all.
const silentMs = 60_000;

/** What others have sent or asked for, and was refused: counted by code, said in the log, blamed where only malice explains it. */
export class Refusals {
  readonly #parts: Parts;
  readonly #said = new Map<string, number>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** @param points Of blame. */
  count({ code, detail }: NotariumError, from: Address, points = 0): void {
    const { metrics, logger, net } = this.#parts;
    metrics.refused(code);
    const line = { code, detail, peer: from };
    if (this.#isNews(`${from} ${code}`)) logger.warn(line, 'what a peer has sent is refused');
    else logger.debug(line, 'what a peer has sent is refused again');
    if (points > 0) net?.blame(from, code, points);
  }

  #isNews(what: string): boolean {
    const nowMs = this.#parts.clock.nowMs();
    if (nowMs - (this.#said.get(what) ?? -silentMs) < silentMs) return false;
    this.#said.set(what, nowMs);
    return true;
  }
}
