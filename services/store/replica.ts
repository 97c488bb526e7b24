import { sql } from 'kysely';
import { toHex } from '../core/bytes.ts';
import type { StoreContext } from './context.ts';
import { indexedList, numberList, selectPacked } from './database.ts';
import { idKey } from './keys.ts';
import { locate, logSizeFor } from './locate.ts';
import type { PoolLeaves } from './PoolRow.ts';
import { bytesAt, type PackedBytes } from './packed.ts';
import { lastLiveSeq } from './pool.ts';
import type { Store } from './Store.ts';

const lookedUpAtOnce = 4_096;

/** The part of `Store` that other centres' pools and blocks are compared with. */
export function replica(
  context: StoreContext,
): Pick<Store, 'poolIds' | 'hasRecords' | 'areLogged' | 'poolLeaves' | 'entriesOf' | 'rivals'> {
  const { reader, engine } = context;
  return {
    async poolIds({ afterSeq, lastSeq = Number.MAX_SAFE_INTEGER, limit }) {
      const query = reader.selectFrom('pool').select(['seq', 'id']).where('seq', '>', afterSeq).orderBy('seq');
      const { columns } = await selectPacked(reader, query.where('seq', '<=', lastSeq).limit(limit), [
        'number',
        'bytes',
      ]);
      const [seqs, ids] = columns as [Float64Array, PackedBytes];
      return { ids: ids.bytes, lastSeq: seqs.at(-1) ?? afterSeq };
    },

    async hasRecords(ids) {
      const has = ids.map(() => false);
      const suspects: number[] = [];
      for (let start = 0; start < ids.length; start += lookedUpAtOnce) {
        const list = indexedList(engine, ids.slice(start, start + lookedUpAtOnce).map(idKey));
        const pooled = sql`select list.place, pool.id from ${list} join pool on pool.id52 = list.value`;
        const { count, columns } = await selectPacked(reader, pooled, ['number', 'bytes']);
        const [places, found] = columns as [Float64Array, PackedBytes];
        for (let row = 0; row < count; row++) {
          const at = start + places[row]!;
          if (Buffer.compare(bytesAt(found, row)!, ids[at]!) === 0) has[at] = true;
        }
        const elsewhere = sql`select place from ${list}
          where exists (select 1 from postings where postings.key = list.value and leaf_index < ${context.logSize})
            or exists (select 1 from refusals where id52 = list.value)`;
        const other = (await selectPacked(reader, elsewhere, ['number'])).columns[0] as Float64Array;
        for (const place of other) if (!has[start + place]) suspects.push(start + place);
      }
      const found = await locate(
        context,
        reader,
        suspects.map((at) => ids[at]!),
      );
      for (const at of suspects) has[at] = found.has(toHex(ids[at]!));
      return has;
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

    poolLeaves: (ids) => poolLeaves(context, ids),

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

async function poolLeaves({ reader, engine }: StoreContext, ids: Uint8Array): Promise<PoolLeaves> {
  const count = ids.length / 32;
  const seqs = new Float64Array(count).fill(Number.NaN);
  const leafHashes = new Uint8Array(ids.length);
  const expiresMs = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  const supersedes: { index: number; predecessor: Uint8Array }[] = [];
  for (let start = 0; start < count; start += lookedUpAtOnce) {
    const keys: number[] = [];
    for (let index = start; index < Math.min(count, start + lookedUpAtOnce); index++)
      keys.push(idKey(idAt(ids, index)));
    const query = sql`select list.place, pool.seq, pool.id, pool.leaf_hash, pool.expires_ms, pool.supersedes
      from ${indexedList(engine, keys)} join pool on pool.id52 = list.value`;
    const rows = await selectPacked(reader, query, ['number', 'number', 'bytes', 'bytes', 'number', 'bytes']);
    const [places, rowSeqs] = rows.columns as [Float64Array, Float64Array];
    const [rowIds, hashes] = rows.columns.slice(2) as [PackedBytes, PackedBytes];
    const [expires, predecessors] = rows.columns.slice(4) as [Float64Array, PackedBytes];
    for (let row = 0; row < rows.count; row++) {
      const index = start + places[row]!;
      if (Buffer.compare(bytesAt(rowIds, row)!, idAt(ids, index)) !== 0) continue;
      seqs[index] = rowSeqs[row]!;
      leafHashes.set(bytesAt(hashes, row)!, 32 * index);
      if (!Number.isNaN(expires[row]!)) expiresMs[index] = expires[row]!;
      const predecessor = bytesAt(predecessors, row);
      if (predecessor) supersedes.push({ index, predecessor });
    }
  }
  return { seqs, leafHashes, expiresMs, supersedes };
}

function idAt(ids: Uint8Array, index: number): Uint8Array {
  return ids.subarray(32 * index, 32 * index + 32);
}
