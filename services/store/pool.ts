import { type ExpressionBuilder, sql } from 'kysely';
import { toHex } from '../core/bytes.ts';
import { liveStates } from './blocks.ts';
import { type StoreContext, write } from './context.ts';
import { type Db, lockCounters, selectPacked } from './database.ts';
import { idKey } from './keys.ts';
import { bytesAt, type PackedBytes } from './packed.ts';
import type { PoolCut, PoolStatus, Store } from './Store.ts';
import { recordColumns, type Schema } from './schema.ts';

/** See `Store.poolStatus`. */
export async function poolStatus({ reader }: StoreContext): Promise<PoolStatus> {
  const oldest = (from: ExpressionBuilder<Schema, 'counters'>) =>
    from.selectFrom('pool').select('accepted_at').orderBy('seq').limit(1);
  const row = await reader
    .selectFrom('counters')
    .select((from) => ['pool_count', 'pool_bytes', oldest(from).as('oldest')])
    .executeTakeFirstOrThrow();
  return { count: row.pool_count, bytes: row.pool_bytes, oldestAcceptedAt: row.oldest };
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

/** See `Store.refuse`. */
export const refuse = (context: StoreContext): Store['refuse'] =>
  async function refuse(items, options) {
    if (items.length === 0) return;
    await write(context, options, async (trx) => {
      const counters = await lockCounters(context.engine, trx);
      const lastLive = await lastLiveSeq(trx);
      let { pool_count, pool_bytes } = counters;
      for (const { id, refusal } of items) {
        const row = await trx
          .selectFrom('pool')
          .select(['seq', sql<number>`length(entry)`.as('size')])
          .where('id52', '=', idKey(id))
          .where('id', '=', id)
          .executeTakeFirst();
        // Refused before: the same again is no error.
        if (!row) continue;
        if (row.seq <= lastLive) throw new RangeError(`${toHex(id)} is in a live block`);
        await trx
          .insertInto('refusals')
          .columns([...recordColumns, 'refusal'])
          .expression((from) =>
            from
              .selectFrom('pool')
              .select([...recordColumns, sql<string>`cast(${JSON.stringify(refusal)} as text)`.as('refusal')])
              .where('seq', '=', row.seq),
          )
          .execute();
        await trx.deleteFrom('pool').where('seq', '=', row.seq).execute();
        // What it would have superseded is free again.
        await trx.deleteFrom('successors').where('winner', '=', id).execute();
        pool_count--;
        pool_bytes -= row.size;
      }
      await trx.updateTable('counters').set({ pool_count, pool_bytes }).execute();
    });
  };
