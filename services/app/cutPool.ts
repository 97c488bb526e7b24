import { type Refusal, type RefusalReason, signRefusal } from '../core/acceptance.ts';
import { zeroHash } from '../core/block.ts';
import { type Hex, toHex } from '../core/bytes.ts';
import { slotStartMs } from '../core/committee.ts';
import type { Lease, NewEvent, PoolCut } from '../store/Store.ts';
import type { CentreParts } from './CentreParts.ts';

/**
 * The records of the next block, oldest first, all of which may be sealed in the slot. What has expired before the
 * slot, and what supersedes a record that will not be in the log, leaves the pool with a signed refusal, never silently.
 */
export async function cutPool(parts: CentreParts, slot: number, lease: Lease): Promise<PoolCut> {
  const { store, network, signer, clock, metrics } = parts;
  await refuseRivals(parts, slot, lease);
  for (;;) {
    const cut = await store.poolCut(parts.settings.maxBlockRecords);
    const refused = await unsealable(parts, cut, slot);
    if (refused.size === 0) return cut;
    const items = [];
    for (const [index, reason] of refused) {
      const id = idAt(cut, index);
      const refusal = await signRefusal(network, { recordId: toHex(id), reason, winner: zeroHash, slot }, signer);
      items.push({ id, refusal });
    }
    await store.refuse(items, { lease, event: refusedEvent(items, clock.nowMs()) });
    metrics.refused.inc(items.length);
  }
}

const rivalsAtOnce = 500;

/**
 * Refuses, by a signed refusal that names the winner, what the log has made impossible: another record has superseded the
 * same one, in a block of another centre or in one of ours that the chain took after all.
 */
export async function refuseRivals(parts: CentreParts, slot: number, lease: Lease): Promise<void> {
  const { store, network, signer, clock, metrics } = parts;
  for (;;) {
    const rivals = await store.rivals(rivalsAtOnce);
    if (rivals.length === 0) return;
    const items = [];
    for (const { id, winner } of rivals) {
      const statement = { recordId: toHex(id), reason: 'record-successor-taken', winner: toHex(winner), slot } as const;
      items.push({ id, refusal: await signRefusal(network, statement, signer) });
    }
    await store.refuse(items, { lease, event: refusedEvent(items, clock.nowMs()) });
    metrics.refused.inc(items.length);
  }
}

function refusedEvent(items: readonly { readonly refusal: Refusal }[], nowMs: number): NewEvent {
  return {
    type: 'record.refused',
    time: new Date(nowMs).toISOString(),
    // The event names the first ones; each record's own refusal is found by its id.
    data: { count: items.length, refusals: items.slice(0, 16).map(({ refusal }) => refusal) },
  };
}

/** Index in the cut of each record that must not be sealed, and why. */
async function unsealable(parts: CentreParts, cut: PoolCut, slot: number): Promise<Map<number, RefusalReason>> {
  const startMs = slotStartMs(slot, parts.periodSeconds);
  const refused = new Map<number, RefusalReason>();
  for (let index = 0; index < cut.count; index++) {
    if (cut.expiresMs[index]! <= startMs) refused.set(index, 'record-expired');
  }
  if (cut.supersedes.length === 0) return refused;
  const position = new Map<Hex, number>();
  for (let index = 0; index < cut.count; index++) position.set(toHex(idAt(cut, index)), index);
  for (const { index, predecessor } of cut.supersedes) {
    const before = position.get(toHex(predecessor));
    const sealedBefore = before !== undefined && before < index && !refused.has(before);
    if (sealedBefore || refused.has(index)) continue;
    const found = await parts.store.findRecord(predecessor);
    if (found?.where !== 'log') refused.set(index, 'record-predecessor-unknown');
  }
  return refused;
}

function idAt(cut: PoolCut, index: number): Uint8Array {
  return cut.ids.slice(32 * index, 32 * index + 32);
}
