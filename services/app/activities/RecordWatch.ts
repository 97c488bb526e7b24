import type { Hash } from '../../core/bytes.ts';
import type { ActivityStore, UnrecordedMessage } from '../../store/activities/ActivityStore.ts';
import type { ActivityHost } from './ActivityHost.ts';
import { recordsFound } from './recordsFound.ts';

const atOnce = 256;
/** Of one look, of all bands together: messages whose records are searched for, and pages, which may have none. */
const mostSearched = 1_024;
const mostPages = 24;
const hourMs = 60 * 60_000;
/** The last one has what is older than some ten years. */
const bandCount = 18;
/** More are not told of one by one. */
const mostTold = 16_384;

type Parts = Pick<ActivityHost, 'store' | 'search' | 'clock' | 'settings' | 'problems' | 'logger'>;
type Place = NonNullable<Awaited<ReturnType<ActivityStore['unrecordedRead']>>['next']>;

/** Messages by the time since which they are missed, and where a round through them stands. */
type Band = {
  readonly fromMs: number;
  readonly toMs: number;
  readonly everyMs: number;
  nextMs: number;
  round?: { readonly number: number; readonly afterMs: number; readonly beforeMs: number; readonly place?: Place };
};

/**
 * Tells of messages whose record does not come: a member can send a message and notarise none, or another one. Before a message is as old
 * as is told, nobody looks for its record but who asks for the message. It is looked for in activities that somebody here has looked at, the more
 * seldom the older a message is, and of so many at a time: a member that notarises nothing it says is no work for this node.
 */
export class RecordWatch {
  readonly #parts: Parts;
  readonly #bands: readonly Band[];
  /** Those that are missed, and the round in which they were last. */
  readonly #missed = new Map<Hash, { readonly takenMs: number; readonly round: number }>();
  #rounds = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
    const { compareMs } = parts.settings;
    this.#bands = Array.from({ length: bandCount }, (_, at) => ({
      fromMs: at === 0 ? 0 : hourMs * 2 ** (at - 1),
      toMs: at === bandCount - 1 ? Infinity : hourMs * 2 ** at,
      everyMs: at === 0 ? 0 : compareMs * 2 ** at,
      nextMs: -Infinity,
    }));
  }

  async look(signal: AbortSignal): Promise<void> {
    const nowMs = this.#parts.clock.nowMs();
    // Or the clock was set back.
    const isDue = ({ nextMs, everyMs }: Band): boolean => nextMs <= nowMs || nextMs > nowMs + everyMs;
    const due = this.#bands.filter(isDue).toSorted((a, b) => a.nextMs - b.nextMs);
    let searched = 0;
    for (let page = 0; page < mostPages && searched < mostSearched && due.length > 0 && !signal.aborted; page++) {
      const band = due.shift()!;
      const { isDone, count } = await this.#lookAt(band, nowMs, Math.min(atOnce, mostSearched - searched));
      searched += count;
      // After those that were due before it.
      band.nextMs = isDone ? nowMs + band.everyMs : nowMs;
      if (!isDone) due.push(band);
    }
    this.#tell();
  }

  /** Another process of this node tells. */
  rest(): void {
    this.#missed.clear();
    for (const band of this.#bands) {
      delete band.round;
      band.nextMs = -Infinity;
    }
    this.#parts.problems.clear('activity-unrecorded');
  }

  /** Looks for the next ones of a band: how many, and whether these were the last of it. */
  async #lookAt(
    band: Band,
    nowMs: number,
    limit: number,
  ): Promise<{ readonly count: number; readonly isDone: boolean }> {
    const { store, settings } = this.#parts;
    const sinceMs = nowMs - settings.unrecordedMs;
    const { fromMs, toMs } = band;
    band.round ??= { number: ++this.#rounds, afterMs: Math.max(0, sinceMs - toMs), beforeMs: sinceMs - fromMs };
    const { number, afterMs, beforeMs, place } = band.round;
    const { messages, next } = await store.unrecordedRead({ afterMs, beforeMs, after: place, limit });
    this.#note(await recordsFound(this.#parts, messages), number);
    if (next) {
      band.round = { number, afterMs, beforeMs, place: next };
      return { count: messages.length, isDone: false };
    }
    delete band.round;
    for (const [id, { takenMs, round }] of this.#missed)
      if (round < number && takenMs >= afterMs && takenMs < beforeMs) this.#missed.delete(id);
    return { count: messages.length, isDone: true };
  }

  #note(messages: readonly UnrecordedMessage[], round: number): void {
    for (const { id, takenMs } of messages)
      if (this.#missed.size < mostTold || this.#missed.has(id)) this.#missed.set(id, { takenMs, round });
  }

  /** Problems are read by others, too: they do not say which. */
  #tell(): void {
    const { problems, logger } = this.#parts;
    const count = this.#missed.size;
    if (count === 0) problems.clear('activity-unrecorded');
    else if (problems.raise('activity-unrecorded', `${count} messages: see the activities`))
      logger.warn({ count }, 'the log has no record of messages that were taken long ago');
  }
}
