import { type Refusal, type RefusalReason, signRefusal } from '../core/acceptance.ts';
import { zeroHash } from '../core/block.ts';
import { type Hash, type Hex, toHex } from '../core/bytes.ts';
import { slotStartMs } from '../core/committee.ts';
import type { PoolCut } from '../store/PoolRow.ts';
import type { Lease, NewEvent } from '../store/WriteOptions.ts';
import type { CentreParts } from './CentreParts.ts';

const refusedAtOnce = 500;
// Of the period: the block must still be sealed and anchored in time.
const refusingShare = 0.25;

/**
 * At most `limit` records for the next block, oldest first, all of which may be sealed in the slot. What has expired before
 * the slot, and what supersedes a record that will not be in the log, leaves the pool with a signed refusal, never silently.
 * When that takes long, the rest waits for the next slot: the block then ends before it.
 */
export async function cutPool(parts: CentreParts, slot: number, lease: Lease, limit: number): Promise<PoolCut> {
  const { store } = parts;
  await refuseRivals(parts, slot, lease);
  const untilMs = performance.now() + parts.periodSeconds * 1000 * refusingShare;
  for (;;) {
    const cut = await store.poolCut(limit);
    const refused = [...(await unsealable(parts, cut, slot))].sort(([a], [b]) => a - b);
    if (refused.length === 0) return cut;
    let done = 0;
    do {
      const some = refused.slice(done, done + refusedAtOnce);
      await refuse(
        parts,
        some.map(([index, reason]) => ({ id: idAt(cut, index), reason, winner: zeroHash })),
        slot,
        lease,
      );
      done += some.length;
    } while (done < refused.length && performance.now() < untilMs);
    // What comes before the first one that is left had its check, and is at the front now.
    if (done < refused.length) return await store.poolCut(refused[done]![0] - done);
  }
}

/**
 * Refuses, by a signed refusal that names the winner, what the log has made impossible: another record has superseded the
 * same one, in a block of another centre or in one of ours that the chain took after all.
 */
export async function refuseRivals(parts: CentreParts, slot: number, lease: Lease): Promise<void> {
  for (;;) {
    const rivals = await parts.store.rivals(refusedAtOnce);
    if (rivals.length === 0) return;
    const items = rivals.map(
      ({ id, winner }) => ({ id, reason: 'record-successor-taken', winner: toHex(winner) }) as const,
    );
    await refuse(parts, items, slot, lease);
  }
}

type Unsealable = { readonly id: Uint8Array; readonly reason: RefusalReason; readonly winner: Hash };

/** One transaction of the store, short enough for intake to get its turn between two. */
async function refuse(parts: CentreParts, some: readonly Unsealable[], slot: number, lease: Lease): Promise<void> {
  const { store, network, signer, clock, metrics } = parts;
  const items = [];
  for (const { id, reason, winner } of some) {
    items.push({ id, refusal: await signRefusal(network, { recordId: toHex(id), reason, winner, slot }, signer) });
  }
  await store.refuse(items, { lease, event: refusedEvent(items, clock.nowMs()) });
  metrics.refused.inc(items.length);
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
  // Admission has seen each predecessor in the pool or in the log. One question for all: each costs time, and the slot ends.
  const outside = cut.supersedes.filter(({ predecessor }) => !position.has(toHex(predecessor)));
  const logged = await parts.store.areLogged(outside.map(({ predecessor }) => predecessor));
  const isLogged = new Set(outside.filter((_, at) => logged[at]).map(({ index }) => index));
  for (const { index, predecessor } of cut.supersedes) {
    if (isLogged.has(index) || refused.has(index)) continue;
    const before = position.get(toHex(predecessor));
    const sealedBefore = before !== undefined && before < index && !refused.has(before);
    if (!sealedBefore) refused.set(index, 'record-predecessor-unknown');
  }
  return refused;
}

function idAt(cut: PoolCut, index: number): Uint8Array {
  return cut.ids.slice(32 * index, 32 * index + 32);
}
