import { rename } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { sameBytes } from '../core/bytes.ts';
import { isNotariumError } from '../core/errors.ts';
import { leafHash } from '../core/sha256.ts';
import { systemClock } from '../lib/clock.ts';
import { nativeSha256 as sha256 } from '../lib/nativeSha256.ts';
import { type Database, type Db, openSqlite, quickCheck, sqliteSuffixes } from './database.ts';
import { allVotesMeta, rebuildingMeta, setMeta } from './meta.ts';
import type { SalvageReport, StoreOptions } from './Store.ts';
import type { Schema } from './schema.ts';
import { storageError } from './storageError.ts';

/** What a rebuild cannot make anew: everything but the indexes. In this order a table's rows need no later one. */
const salvagedTables = [
  'meta',
  'votes',
  'pool',
  'refusals',
  'blocks',
  'events',
  'api_keys',
  'notices',
  'notice_checkpoints',
  'projections',
  'contents',
  'proposal_drafts',
  'ballots',
  'outcome_signatures',
  'resource_sets',
  'resource_versions',
  'resource_reports',
  'webhook',
  'admission_outcomes',
  'centre_standings',
] as const;
/** Read from both ends, so that one bad page in the middle costs that page only. */
const keyed: Partial<Record<keyof Schema, string>> = { pool: 'seq', refusals: 'seq', events: 'seq', votes: 'slot' };

type Row = Record<string, unknown>;

/** Opens a database; a damaged one is renamed, and a new one gets what can still be read of it. */
export async function openOrSetAside(
  path: string,
  { clock = systemClock, logger }: StoreOptions,
): Promise<{ database: Database; salvaged: SalvageReport | undefined }> {
  const sound = await openSound(path);
  if (sound) return { database: sound, salvaged: undefined };
  const aside = `${path}.damaged-${new Date(clock.nowMs()).toISOString().replace(/[:.]/g, '-')}`;
  for (const suffix of sqliteSuffixes) {
    await rename(path + suffix, aside + suffix).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
  logger.warn({ path: aside }, 'the damaged database was set aside');
  const database = await openSqlite(path);
  try {
    return { database, salvaged: await salvage(database.db, aside) };
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function openSound(path: string): Promise<Database | undefined> {
  let database: Database | undefined;
  try {
    database = await openSqlite(path);
    await quickCheck(database.reader);
    return database;
  } catch (error) {
    await database?.close();
    const known = storageError(error, path);
    if (isNotariumError(known, 'store-corrupt')) return undefined;
    throw known;
  }
}

async function salvage(db: Db, aside: string): Promise<SalvageReport> {
  const rows: Record<string, number> = {};
  let complete = true;
  // Nobody may work with it before the rebuild has filled the indexes.
  await setMeta(db, rebuildingMeta, 'yes');
  const damaged = openDamaged(aside);
  if (!damaged) return { path: aside, rows, complete: false };
  try {
    for (const table of salvagedTables) {
      const read = readTable(damaged, table);
      complete &&= read.complete;
      const good = read.rows.filter((row) => isWhole(table, row));
      complete &&= good.length === read.rows.length;
      rows[table] = await insertRows(db, table, good);
    }
  } finally {
    damaged.close();
  }
  await countAnew(db);
  // Whether its last votes are among them, nobody knows.
  await db.deleteFrom('meta').where('name', '=', allVotesMeta).execute();
  return { path: aside, rows, complete };
}

function openDamaged(path: string): DatabaseSync | undefined {
  try {
    return new DatabaseSync(path);
  } catch {
    // Not even its first page: the log and the chain still have everything that was anchored.
    return undefined;
  }
}

function readTable(db: DatabaseSync, table: string): { rows: Row[]; complete: boolean } {
  const key = keyed[table as keyof Schema];
  const forward = readUntilDamage(db, `select * from ${table} ${key ? `order by ${key}` : ''}`);
  if (forward.complete || !key) return forward;
  const backward = readUntilDamage(db, `select * from ${table} order by ${key} desc`);
  const all = new Map([...forward.rows, ...backward.rows].map((row) => [row[key], row]));
  return { rows: [...all.values()], complete: false };
}

function readUntilDamage(db: DatabaseSync, text: string): { rows: Row[]; complete: boolean } {
  const rows: Row[] = [];
  try {
    for (const row of db.prepare(text).iterate()) rows.push(row);
    return { rows, complete: true };
  } catch {
    // What was read so far is good; the report says that the rest is not.
    return { rows, complete: false };
  }
}

/** A pool row can be checked against its own hash. */
function isWhole(table: string, row: Row): boolean {
  if (table !== 'pool' && table !== 'refusals') return true;
  const { entry, leaf_hash } = row;
  return (
    entry instanceof Uint8Array && leaf_hash instanceof Uint8Array && sameBytes(leafHash(entry, sha256), leaf_hash)
  );
}

async function insertRows(db: Db, table: (typeof salvagedTables)[number], rows: readonly Row[]): Promise<number> {
  await db.transaction().execute(async (trx) => {
    for (const row of rows) {
      await trx
        .insertInto(table)
        .values(row as never)
        .onConflict((on) => on.doNothing())
        .execute();
    }
  });
  return rows.length;
}

async function countAnew(db: Db): Promise<void> {
  const pool = await db
    .selectFrom('pool')
    .select((from) => [from.fn.countAll().as('count'), from.fn.max('seq').as('last')])
    .executeTakeFirstOrThrow();
  const sizes = await db
    .selectFrom('pool')
    .select((from) => from.fn.sum(from.fn('length', ['entry'])).as('bytes'))
    .executeTakeFirstOrThrow();
  const max = async (table: 'refusals' | 'events'): Promise<number> => {
    const row = await db
      .selectFrom(table)
      .select((from) => from.fn.max('seq').as('last'))
      .executeTakeFirstOrThrow();
    return Number(row.last ?? 0);
  };
  const blocks = await db
    .selectFrom('blocks')
    .select((from) => from.fn.max('last_seq').as('last'))
    .executeTakeFirstOrThrow();
  await db
    .updateTable('counters')
    .set({
      // A seq of the lost part may not come again: a gap tells the two apart.
      next_seq: Math.max(Number(pool.last ?? 0), await max('refusals'), Number(blocks.last ?? 0)) + 1_000_000_000,
      pool_count: Number(pool.count),
      pool_bytes: Number(sizes.bytes ?? 0),
      last_event: await max('events'),
    })
    .execute();
}
