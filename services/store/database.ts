import { type Compilable, CompiledQuery, Kysely, type RawBuilder, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { NotariumError } from '../core/errors.ts';
import type { Engine } from './Engine.ts';
import { migrationsFor } from './migrations.ts';
import { PackedAnswer, type PackedColumn, type PackedKind, type PackedRows } from './packed.ts';
import type { Schema } from './schema.ts';
import { SqliteThreadClient, sqliteDialect, TogetherStatements } from './sqliteDialect.ts';
import type { SqliteResult } from './sqliteWorker.ts';

/** A connection pool or a transaction on it. */
export type Db = Kysely<Schema>;

/** An open database with the current schema. */
export type Database = {
  readonly engine: Engine;
  /** For writes, and for reads within a transaction. */
  readonly db: Db;
  /** For reads: on SQLite a connection of its own, which does not wait for a long write. */
  readonly reader: Db;
  close(): Promise<void>;
};

/** Name of the embedded database in a data folder. */
export const databaseFile = 'notarium.sqlite';

/** SQLite's main file and, in order, what lies beside it. */
export const sqliteSuffixes = ['', '-wal', '-shm'] as const;

/** The schema that a database gets: migrations by name, and the tables in which it is written down which ones it has had. */
export type Migrations = {
  readonly forEngine: (engine: Engine) => Record<string, Migration>;
  /** Before `migration` and `migration_lock` in the names of those tables. */
  readonly prefix: string;
  /** Of PostgreSQL: where all of them stand, made when missing; where the connection looks first when left out. */
  readonly schema?: string | undefined;
};

/** The schema of the main database. */
const mainMigrations: Migrations = { forEngine: migrationsFor, prefix: 'kysely' };

/** Opens the database file and brings its schema up to date. */
export async function openSqlite(path: string, migrations: Migrations = mainMigrations): Promise<Database> {
  const writer = new SqliteThreadClient({ path, readOnly: false, cacheKiB: 32768 });
  const db = new Kysely<Schema>({ dialect: sqliteDialect(writer, { readOnly: false }) });
  let reader: Db | undefined;
  const close = async (): Promise<void> => {
    // The writer last: it then folds the write-ahead log into the file.
    await reader?.destroy();
    await db.destroy();
  };
  try {
    await migrate(db, 'sqlite', migrations).catch(async (error: unknown) => {
      // Damage shows itself in many ways, also as a version that never was.
      await quickCheck(db);
      throw error;
    });
    const thread = new SqliteThreadClient({ path, readOnly: true, cacheKiB: 16384 });
    reader = new Kysely<Schema>({ dialect: sqliteDialect(thread, { readOnly: true }) });
    return { engine: 'sqlite', db, reader, close };
  } catch (error) {
    await writer.close().catch(() => undefined);
    throw error;
  }
}

/**
 * Runs the migrations that the database lacks.
 * @throws NotariumError `store-version-unsupported` when it has had one that this version does not know.
 */
export async function migrate(
  db: Db,
  engine: Engine,
  { forEngine, prefix, schema }: Migrations = mainMigrations,
): Promise<void> {
  const migrations = forEngine(engine);
  const table = `${prefix}_migration`;
  const { rows: tables } = await tableNamed(engine, table).execute(db);
  if (tables.length > 0) {
    const { rows } = await sql<{ name: string }>`select name from ${sql.table(table)}`.execute(db);
    const unknown = rows.find((row) => !(row.name in migrations));
    if (unknown)
      throw new NotariumError('store-version-unsupported', unknown.name, { data: { migration: unknown.name } });
    // Nearly every start: the migrator would read the whole schema first to find that out.
    if (rows.length === Object.keys(migrations).length) return;
  }
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => migrations },
    migrationTableName: table,
    migrationLockTableName: `${table}_lock`,
    ...(schema === undefined ? {} : { migrationTableSchema: schema }),
  });
  const { error } = await migrator.migrateToLatest();
  if (error) throw error;
}

/** Finds a table where a query that names it would. */
function tableNamed(engine: Engine, name: string): RawBuilder<unknown> {
  if (engine === 'sqlite') return sql`select 1 from sqlite_master where type = 'table' and name = ${name}`;
  return sql`select 1 where to_regclass(${name}) is not null`;
}

/**
 * Runs statements one after the other, where none needs what the one before it answers. On SQLite they cross to the database's thread, and back,
 * at once: that takes longer than most of them.
 * @returns Of each its rows, or how many it has changed.
 */
export async function runTogether(
  engine: Engine,
  db: Pick<Db, 'executeQuery'>,
  queries: readonly CompiledQuery[],
): Promise<readonly SqliteResult[]> {
  if (queries.length === 0) return [];
  if (engine === 'sqlite') {
    return (await db.executeQuery<SqliteResult>(CompiledQuery.raw('', [new TogetherStatements(queries)]))).rows;
  }
  const results: SqliteResult[] = [];
  for (const query of queries) {
    const { rows, numAffectedRows } = await db.executeQuery<object>(query);
    results.push({ rows, changes: Number(numAffectedRows ?? 0) });
  }
  return results;
}

/** Inserts many rows by one statement; rows that are there already stay as they are. */
export async function bulkInsert<T extends keyof Schema & string>(
  engine: Engine,
  db: Db,
  table: T,
  names: readonly (keyof Schema[T] & string)[],
  rows: PackedRows,
): Promise<void> {
  if (rows.count === 0) return;
  const list = names.map((name) => `"${name}"`).join(', ');
  const values =
    engine === 'sqlite'
      ? `values (${names.map(() => '?').join(', ')})`
      : `select * from unnest(${rows.columns.map((column, at) => `$${at + 1}::${arrayType(column)}`).join(', ')})`;
  const text = `insert into "${table}" (${list}) ${values} on conflict do nothing`;
  await db.executeQuery(CompiledQuery.raw(text, [rows]));
}

function arrayType(column: PackedColumn): string {
  return column instanceof Float64Array ? 'bigint[]' : 'bytea[]';
}

/** Runs a query and answers its rows by columns. */
export async function selectPacked(
  db: Db,
  query: Compilable | RawBuilder<unknown>,
  kinds: readonly PackedKind[],
): Promise<PackedRows> {
  const compiled = 'isRawBuilder' in query ? query.compile(db) : query.compile();
  const parameters = [...compiled.parameters, new PackedAnswer(kinds)];
  const { rows } = await db.executeQuery<PackedRows>({ ...compiled, parameters });
  return rows[0]!;
}

/** A list of numbers as a table `list` with the one column `value`. */
export function numberList(engine: Engine, values: readonly number[]): RawBuilder<{ value: number }> {
  return engine === 'sqlite'
    ? sql`json_each(${JSON.stringify(values)}) as list`
    : sql`unnest(${`{${values.join(',')}}`}::bigint[]) as list(value)`;
}

/** As {@link numberList}, with a second column `place`: each number's place, from 0. */
export function indexedList(engine: Engine, values: readonly number[]): RawBuilder<{ value: number; place: number }> {
  return engine === 'sqlite'
    ? sql`(select value, key as place from json_each(${JSON.stringify(values)})) as list`
    : sql`(select value, number - 1 as place from unnest(${`{${values.join(',')}}`}::bigint[])
        with ordinality as numbered(value, number)) as list`;
}

/** The counters; inside a transaction they stay as read until its end. */
export async function lockCounters(engine: Engine, db: Db): Promise<Schema['counters']> {
  // A write transaction of SQLite is alone from its beginning.
  const query = db.selectFrom('counters').selectAll();
  return (engine === 'sqlite' ? query : query.forUpdate()).executeTakeFirstOrThrow();
}

/** @throws NotariumError `store-corrupt` with SQLite's own words. */
export async function quickCheck(db: Db): Promise<void> {
  const { rows } = await sql<{ quick_check: string }>`pragma quick_check(1)`.execute(db);
  const found = rows[0]?.quick_check;
  if (found !== 'ok') throw new NotariumError('store-corrupt', `${found}. notarium rebuild restores it`);
}
