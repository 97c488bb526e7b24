import { type ExpressionBuilder, sql } from 'kysely';
import { liveStates } from './blocks.ts';
import { type StoreContext, write } from './context.ts';
import { type Db, numberList, selectPacked } from './database.ts';
import { idKey } from './keys.ts';
import type { PoolCut, PoolPromise, PoolStatus } from './PoolRow.ts';
import { bytesAt, type PackedBytes } from './packed.ts';
import type { Schema } from './schema.ts';

/** See `Store.poolStatus`. */
export async function poolStatus({ reader }: StoreContext): Promise<PoolStatus> {
  const oldest = (from: ExpressionBuilder<Schema, 'counters'>) =>
    from.selectFrom('pool').select('accepted_at').orderBy('seq').limit(1);
  const row = await reader
    .selectFrom('counters')
    .select((from) => ['pool_count', 'pool_bytes', 'next_seq', oldest(from).as('oldest')])
    .executeTakeFirstOrThrow();
  const { pool_count: count, pool_bytes: bytes, next_seq: nextSeq, oldest: oldestAcceptedAt } = row;
  return { count, bytes, oldestAcceptedAt, lastSeq: nextSeq - 1 };
}

/** Last pool row that a live block holds, or 0. Live blocks hold the front of the pool without gaps. */
export async function lastLiveSeq(db: Db): Promise<number> {
  const row = await db
    .selectFrom('blocks')
    .select((from) => from.fn.max('last_seq').as('last'))
    .where('state', 'in', liveStates)
    .executeTakeFirstOrThrow();
  return Number(row.last ?? 0);
}

/** See `Store.poolCut`. */
export async function poolCut({ reader }: StoreContext, limit: number): Promise<PoolCut> {
  const query = reader
    .selectFrom('pool')
    .select(['seq', 'id', 'leaf_hash', 'expires_ms', 'supersedes'])
    .where('seq', '>', await lastLiveSeq(reader))
    .orderBy('seq')
    .limit(limit);
  const { count, columns } = await selectPacked(reader, query, ['number', 'bytes', 'bytes', 'number', 'bytes']);
  const [seqs, ids, leafHashes, expires, supersedes] = columns as [
    Float64Array,
    PackedBytes,
    PackedBytes,
    Float64Array,
    PackedBytes,
  ];
  const heirs: { index: number; predecessor: Uint8Array }[] = [];
  for (let index = 0; index < count; index++) {
    const predecessor = bytesAt(supersedes, index);
    if (predecessor) heirs.push({ index, predecessor });
  }
  return {
    count,
    seqs,
    ids: ids.bytes,
    leafHashes: leafHashes.bytes,
    expiresMs: expires.map((ms) => (Number.isNaN(ms) ? Number.POSITIVE_INFINITY : ms)),
    supersedes: heirs,
  };
}

/** See `Store.overdue`. */
export async function overdue({ reader }: StoreContext, slot: number, limit: number): Promise<Uint8Array[]> {
  const oldest = reader
    .selectFrom('pool')
    .select(['seq', 'id', 'include_by_slot', 'acceptance'])
    .where('seq', '>', await lastLiveSeq(reader))
    .orderBy('seq')
    .limit(limit);
  const rows = await reader
    .selectFrom(oldest.as('oldest'))
    .select('id')
    .where('include_by_slot', '<', slot)
    // What came from another centre is not promised by this one.
    .where((from) => from(from.fn<number>('length', ['acceptance']), '>', 0))
    .orderBy('seq')
    .execute();
  return rows.map(({ id }) => id);
}

const promisedAtOnce = 500;

/** See `Store.promise`. */
export async function promise(
  context: StoreContext,
  ids: readonly Uint8Array[],
  { includeBySlot, acceptance }: Pick<PoolPromise, 'includeBySlot' | 'acceptance'>,
): Promise<void> {
  if (ids.length === 0) return;
  await write(context, undefined, async (trx) => {
    for (let start = 0; start < ids.length; start += promisedAtOnce) {
      const some = ids.slice(start, start + promisedAtOnce);
      const list = numberList(context.engine, some.map(idKey));
      await trx
        .updateTable('pool')
        .set({
          acceptance,
          include_by_slot: sql<number>`case when include_by_slot < ${includeBySlot} then ${includeBySlot} else include_by_slot end`,
        })
        .where('id52', 'in', sql<number>`(select value from ${list})`)
        .where('id', 'in', some)
        .where((from) => from(from.fn<number>('length', ['acceptance']), '=', 0))
        .execute();
    }
  });
}
