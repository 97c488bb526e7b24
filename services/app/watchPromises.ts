import { toHex } from '../core/bytes.ts';
import type { CentreParts } from './CentreParts.ts';

const looked = 256;
const named = 16;

/**
 * Says so when records are waiting that this centre has promised for an earlier slot: a problem as long as it is so, and one
 * `alert` event when it begins, and tells the other centres of them once more. Their submitters can prove it; the operator must not be the last to know.
 */
export async function watchPromises(parts: CentreParts, slot: number): Promise<void> {
  const { store, problems, clock, logger, replication } = parts;
  const ids = await store.overdue(slot, looked);
  if (ids.length === 0) {
    problems.clear('promise-broken');
    return;
  }
  const count = ids.length < looked ? String(ids.length) : `${looked} or more`;
  if (!problems.has('promise-broken')) {
    const recordIds = ids.slice(0, named).map(toHex);
    await store.appendEvent({
      type: 'alert',
      time: new Date(clock.nowMs()).toISOString(),
      data: { code: 'promise-broken', slot, count: ids.length, recordIds },
    });
    // Whoever publishes next may never have had them.
    const entries = await store.entriesOf(ids);
    replication?.broadcast(entries.filter((entry) => entry !== undefined));
    logger.error({ slot, count, recordIds }, 'records wait beyond the slot that they were promised for');
  }
  problems.raise('promise-broken', `${count} records wait beyond their slot`);
}
