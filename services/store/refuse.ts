import { type RawBuilder, sql } from 'kysely';
import { toHex } from '../core/bytes.ts';
import { type StoreContext, write } from './context.ts';
import { type Db, lockCounters, numberList } from './database.ts';
import type { Engine } from './Engine.ts';
import { idKey } from './keys.ts';
import { lastLiveSeq } from './pool.ts';
import type { Store } from './Store.ts';
import { recordColumns } from './schema.ts';

// Bounds of databases on parameters.
const movedAtOnce = 500;

type Refused = { readonly seq: number; readonly id: Uint8Array; readonly size: number; readonly refusal: string };

/** See `Store.refuse`. */
export const refuse = (context: StoreContext): Store['refuse'] =>
  async function refuse(items, options) {
    if (items.length === 0) return;
    const { engine } = context;
    await write(context, options, async (trx) => {
      const counters = await lockCounters(engine, trx);
      const lastLive = await lastLiveSeq(trx);
      let { pool_count, pool_bytes } = counters;
      for (let start = 0; start < items.length; start += movedAtOnce) {
        // What was refused before is not in the pool any more: the same again is no error.
        const rows = await pooled(engine, trx, items.slice(start, start + movedAtOnce));
        const live = rows.find(({ seq }) => seq <= lastLive);
        if (live) throw new RangeError(`${toHex(live.id)} is in a live block`);
        if (rows.length > 0) await move(engine, trx, rows);
        pool_count -= rows.length;
        pool_bytes -= rows.reduce((sum, { size }) => sum + size, 0);
      }
      await trx.updateTable('counters').set({ pool_count, pool_bytes }).execute();
    });
  };

async function pooled(engine: Engine, trx: Db, items: Parameters<Store['refuse']>[0]): Promise<Refused[]> {
  const wanted = new Map(items.map(({ id, refusal }) => [toHex(id), JSON.stringify(refusal)]));
  const list = numberList(
    engine,
    items.map(({ id }) => idKey(id)),
  );
  const rows = await trx
    .selectFrom('pool')
    .select(['seq', 'id', sql<number>`length(entry)`.as('size')])
    .where('id52', 'in', sql<number>`(select value from ${list})`)
    .execute();
  return rows.flatMap((row) => {
    const refusal = wanted.get(toHex(row.id));
    return refusal === undefined ? [] : [{ ...row, refusal }];
  });
}

async function move(engine: Engine, trx: Db, rows: readonly Refused[]): Promise<void> {
  const columns = sql.join(recordColumns.map((name) => sql.ref(`pool.${name}`)));
  await sql`insert into refusals (${sql.join(recordColumns.map((name) => sql.ref(name)))}, refusal)
    select ${columns}, list.refusal from ${refusalList(engine, rows)} join pool on pool.seq = list.seq`.execute(trx);
  const seqs = rows.map(({ seq }) => seq);
  await trx.deleteFrom('pool').where('seq', 'in', seqs).execute();
  // What they would have superseded is free again.
  const ids = rows.map(({ id }) => id);
  await trx.deleteFrom('successors').where('winner', 'in', ids).execute();
}

/** A table `list` of pool seqs and their refusals. */
function refusalList(engine: Engine, rows: readonly Refused[]): RawBuilder<unknown> {
  if (engine === 'sqlite') {
    const pairs = JSON.stringify(rows.map(({ seq, refusal }) => [seq, refusal]));
    return sql`(select json_extract(value, '$[0]') as seq, json_extract(value, '$[1]') as refusal
      from json_each(${pairs})) as list`;
  }
  const seqs = sql.val(`{${rows.map(({ seq }) => seq).join(',')}}`);
  return sql`unnest(${seqs}::bigint[], ${sql.val(rows.map(({ refusal }) => refusal))}::text[]) as list(seq, refusal)`;
}
