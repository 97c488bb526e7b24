import { sql } from 'kysely';
import { toHex } from '../core/bytes.ts';
import type { StoreContext } from './context.ts';
import { numberList, selectPacked } from './database.ts';
import { idKey } from './keys.ts';
import { locate, logSizeFor } from './locate.ts';
import { bytesAt, type PackedBytes } from './packed.ts';
import { lastLiveSeq } from './pool.ts';
import type { PoolLeaf, Store } from './Store.ts';

const lookedUpAtOnce = 4_096;

/** The part of `Store` that other centres' pools and blocks are compared with. */
export function replica(
  context: StoreContext,
): Pick<Store, 'poolIds' | 'hasRecords' | 'areLogged' | 'poolLeaves' | 'entriesOf' | 'rivals'> {
  const { reader, engine } = context;
  return {
    async poolIds(afterSeq, limit) {
      const query = reader.selectFrom('pool').select(['seq', 'id']).where('seq', '>', afterSeq).orderBy('seq');
      const { columns } = await selectPacked(reader, query.limit(limit), ['number', 'bytes']);
      const [seqs, ids] = columns as [Float64Array, PackedBytes];
      return { ids: ids.bytes, lastSeq: seqs.at(-1) ?? afterSeq };
    },

    async hasRecords(ids) {
      const known = new Set<number>();
      for (let start = 0; start < ids.length; start += lookedUpAtOnce) {
        const list = numberList(engine, ids.slice(start, start + lookedUpAtOnce).map(idKey));
        const { rows } = await sql<{ value: number }>`select value from ${list}
          where exists (select 1 from pool where id52 = list.value)
            or exists (select 1 from postings where postings.key = list.value and leaf_index < ${context.logSize})
            or exists (select 1 from refusals where id52 = list.value)`.execute(reader);
        for (const { value } of rows) known.add(value);
      }
      const suspects = ids.filter((id) => known.has(idKey(id)));
      const found = await locate(context, reader, suspects);
      return ids.map((id) => known.has(idKey(id)) && found.has(toHex(id)));
    },

    async areLogged(ids) {
      const logged = new Set<number>();
      const refused = new Set<string>();
      const logSize = await logSizeFor(context, reader, Number.MAX_SAFE_INTEGER);
      for (let start = 0; start < ids.length; start += lookedUpAtOnce) {
        const list = numberList(engine, ids.slice(start, start + lookedUpAtOnce).map(idKey));
        const { rows } = await sql<{ value: number }>`select value from ${list}
          where exists (select 1 from postings where postings.key = list.value and leaf_index < ${logSize})`.execute(
          reader,
        );
        for (const { value } of rows) logged.add(value);
        const { rows: out } = await sql<{ id: Uint8Array }>`select refusals.id from ${list}
          join refusals on refusals.id52 = list.value`.execute(reader);
        for (const { id } of out) refused.add(toHex(id));
      }
      return ids.map((id) => logged.has(idKey(id)) && !refused.has(toHex(id)));
    },

    async poolLeaves(ids) {
      const leaves = new Map<string, PoolLeaf>();
      for (let start = 0; start < ids.length; start += lookedUpAtOnce) {
        const some = ids.slice(start, start + lookedUpAtOnce);
        const query = reader
          .selectFrom('pool')
          .select(['id', 'leaf_hash', 'expires_ms', 'supersedes'])
          .where('id52', 'in', sql<number>`(select value from ${numberList(engine, some.map(idKey))})`);
        const { count, columns } = await selectPacked(reader, query, ['bytes', 'bytes', 'number', 'bytes']);
        const [found, hashes, expires, supersedes] = columns as [PackedBytes, PackedBytes, Float64Array, PackedBytes];
        for (let index = 0; index < count; index++) {
          leaves.set(toHex(bytesAt(found, index)!), {
            leafHash: bytesAt(hashes, index)!,
            expiresMs: Number.isNaN(expires[index]!) ? null : expires[index]!,
            supersedes: bytesAt(supersedes, index),
          });
        }
      }
      return leaves;
    },

    async entriesOf(ids) {
      const found = await locate(context, reader, ids);
      return ids.map((id) => found.get(toHex(id))?.entry);
    },

    async rivals(limit) {
      const rows = await reader
        .selectFrom('pool')
        .innerJoin('successors', 'successors.predecessor', 'pool.supersedes')
        .select(['pool.id', 'successors.winner'])
        .where('pool.supersedes', 'is not', null)
        .whereRef('successors.winner', '<>', 'pool.id')
        .where('pool.seq', '>', await lastLiveSeq(reader))
        .limit(limit)
        .execute();
      return rows;
    },
  };
}
