import type { Hash } from '../../../core/bytes.ts';
import type { ActivityParts } from '../ActivityParts.ts';

const atOnce = 256;
// What was said gets its time before it is on the disk, and the clocks of two machines differ.
const overlapMs = 30_000;

/** Finds out which activities other processes of this node have changed: they write to the same database, and tell nobody. */
export class ChangedElsewhere {
  readonly #parts: Pick<ActivityParts, 'store' | 'clock' | 'settings'>;
  /** When it has looked; at first, since when it is to find what has changed. */
  #lastMs: number;
  /** How many messages those had that had changed shortly before. */
  #counts = new Map<Hash, number>();

  constructor(parts: Pick<ActivityParts, 'store' | 'clock' | 'settings'>) {
    this.#parts = parts;
    this.#lastMs = parts.clock.nowMs();
  }

  /** Those that have changed since the last time, whoever has changed them; none where that was a short time ago. */
  async look(): Promise<Hash[]> {
    const { store, clock, settings } = this.#parts;
    if (!store.isShared) return [];
    const nowMs = clock.nowMs();
    const lastMs = this.#lastMs;
    if (nowMs >= lastMs && nowMs < lastMs + settings.compareMs) return [];
    const counts = new Map<Hash, number>();
    // The newest first.
    for (let after: string | undefined; ; ) {
      const { items, next } = await store.list({ limit: atOnce, ...(after === undefined ? {} : { after }) });
      const young = items.filter(({ changedMs }) => changedMs >= Math.min(lastMs, nowMs) - overlapMs);
      for (const { id, messageCount } of young) counts.set(id, messageCount);
      if (young.length < items.length || next === undefined) break;
      after = next;
    }
    const changed = [...counts].filter(([id, count]) => this.#counts.get(id) !== count).map(([id]) => id);
    this.#lastMs = nowMs;
    this.#counts = counts;
    return changed;
  }
}
