import { sql } from 'kysely';
import { toHex } from '../core/bytes.ts';
import type { NotariumError } from '../core/errors.ts';
import { entriesPath, tileWidth, widthOf } from '../core/log/tile.ts';
import type { StoreContext } from './context.ts';
import { type Db, numberList } from './database.ts';
import { idKey, indexOfEntry, isEntryOf } from './keys.ts';
import { tileCorrupt } from './logFiles.ts';
import type { FoundRecord } from './PoolRow.ts';
import { refusalOf } from './schema.ts';

// Keeps the memory of one answer low.
const lookedUpAtOnce = 500;
// Each may need a whole bundle: 64 MiB of them at most.
const readAtOnce = 16;
// A record leaves the pool once; more than that is a damaged index.
const mostLooks = 4;

/** Where each of the records stands, by id in hexadecimal; ids that are nowhere are left out. */
export async function locate(
  context: StoreContext,
  db: Db,
  ids: readonly Uint8Array[],
): Promise<Map<string, FoundRecord>> {
  const found = new Map<string, FoundRecord>();
  for (let start = 0; start < ids.length; start += lookedUpAtOnce) {
    let left = ids.slice(start, start + lookedUpAtOnce);
    // A record that moves on between two questions is at neither place when that is asked.
    for (let looks = 0; left.length > 0 && looks < mostLooks; looks++)
      left = await locateSome(context, db, left, found);
  }
  return found;
}

type Place = { readonly place: 'pool' | 'refused' | 'log'; readonly key: number; readonly at: number };

/** @returns Ids of records that have left the pool between the first question and the next: they are elsewhere by now. */
async function locateSome(
  context: StoreContext,
  db: Db,
  ids: readonly Uint8Array[],
  found: Map<string, FoundRecord>,
): Promise<Uint8Array[]> {
  const idsByKey = new Map<number, Uint8Array[]>();
  for (const id of ids) idsByKey.set(idKey(id), [...(idsByKey.get(idKey(id)) ?? []), id]);
  // One round trip for the usual case, a record that is in the log.
  const list = numberList(context.engine, [...idsByKey.keys()]);
  const { rows: places } = await sql<Place>`
    select 'pool' as place, pool.id52 as key, pool.seq as at from ${list} join pool on pool.id52 = list.value
    union all select 'refused', refusals.id52, refusals.seq from ${list} join refusals on refusals.id52 = list.value
    union all select 'log', postings.key, leaf_index from ${list} join postings on postings.key = list.value`.execute(
    db,
  );
  const wanted = new Set(ids.map(toHex));
  const seqs = (place: string): number[] => places.filter((row) => row.place === place).map((row) => row.at);

  const refused = seqs('refused');
  if (refused.length > 0) {
    for (const row of await db.selectFrom('refusals').selectAll().where('seq', 'in', refused).execute()) {
      const id = toHex(row.id);
      if (wanted.has(id)) found.set(id, { where: 'refused', refusal: refusalOf(row), entry: row.entry });
    }
  }
  const pooled = new Map(places.flatMap(({ place, key, at }) => (place === 'pool' ? [[at, key] as const] : [])));
  if (pooled.size > 0) {
    const seqsInPool = [...pooled.keys()];
    for (const row of await db.selectFrom('pool').selectAll().where('seq', 'in', seqsInPool).execute()) {
      const { seq, entry, accepted_at: acceptedAt, include_by_slot: includeBySlot, acceptance } = row;
      const id = toHex(row.id);
      // After a roll-back of the log the number may be that of another row.
      if (idKey(row.id) === pooled.get(seq)) pooled.delete(seq);
      if (wanted.has(id)) found.set(id, { where: 'pool', seq, entry, acceptedAt, includeBySlot, acceptance });
    }
  }
  const moved = (): Uint8Array[] =>
    [...pooled.values()].flatMap((key) => idsByKey.get(key)!.filter((id) => !found.has(toHex(id))));
  const logged = places.filter((row) => row.place === 'log');
  if (logged.length === 0) return moved();
  const logSize = await logSizeFor(context, db, Math.max(...logged.map((row) => row.at)));
  // A posting beyond the log is left over from a commit that did not come to its end.
  const within = logged.filter(({ at }) => at < logSize);
  const entries = await entriesAt(
    context,
    within.map(({ at }) => at),
    logSize,
  );
  for (const [position, { key, at: leafIndex }] of within.entries()) {
    const entry = entries[position]!;
    const mine = idsByKey.get(key)!.filter((id) => isEntryOf(entry, id));
    // "Not found" would be a lie, and would let the same record in again.
    if (mine.length === 0 && !hasKey(entry, key)) throw damagedEntry(leafIndex, logSize);
    for (const id of mine) {
      found.set(toHex(id), { where: 'log', leafIndex, entry });
    }
  }
  return moved();
}

async function entriesAt(
  { log }: StoreContext,
  leafIndexes: readonly number[],
  logSize: number,
): Promise<Uint8Array[]> {
  const entries: Uint8Array[] = [];
  for (let start = 0; start < leafIndexes.length; start += readAtOnce) {
    const some = leafIndexes.slice(start, start + readAtOnce);
    entries.push(...(await Promise.all(some.map((leafIndex) => log.entry(leafIndex, logSize)))));
  }
  return entries;
}

function hasKey(entry: Uint8Array, key: number): boolean {
  try {
    return indexOfEntry(entry).keys.includes(key);
  } catch {
    // No record at all: its bytes have changed.
    return false;
  }
}

function damagedEntry(leafIndex: number, logSize: number): NotariumError {
  const index = Math.floor(leafIndex / tileWidth);
  return tileCorrupt(entriesPath(index, widthOf('entries', index, logSize)), `entry ${leafIndex} has changed`);
}

/** Size of the log, read anew where another process may have made it grow beyond a leaf. */
export async function logSizeFor(context: StoreContext, db: Db, leafIndex: number): Promise<number> {
  if (leafIndex >= context.logSize) {
    const { rollBacks } = context;
    const { log_size } = await db.selectFrom('counters').select('log_size').executeTakeFirstOrThrow();
    if (context.rollBacks === rollBacks) context.logSize = Math.max(context.logSize, log_size);
  }
  return context.logSize;
}
