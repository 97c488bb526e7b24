import { Socket } from 'node:net';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  PostgresDialect,
  sql,
} from 'kysely';
import pg from 'pg';
import type { Logger } from '../lib/logger.ts';
import { type Database, type Migrations, migrate } from './database.ts';
import { bytesAt, PackedAnswer, type PackedColumn, PackedRows, packRows } from './packed.ts';
import type { Schema } from './schema.ts';

const int8 = 20;
const bytea = 17;

const defaultAnswerMs = 60_000;
const connectMs = 10_000;
const closeMs = 5_000;

/** Opens a PostgreSQL database and brings its schema up to date. A server that says nothing for `answerMs` is given up. */
export async function openPostgres(
  url: string,
  logger: Logger,
  answerMs = defaultAnswerMs,
  migrations?: Migrations,
): Promise<Database> {
  const sockets = new Set<Socket>();
  const pool = new pg.Pool({
    connectionString: url,
    max: 8,
    application_name: 'notarium',
    connectionTimeoutMillis: connectMs,
    keepAlive: true,
    // pg's own query_timeout would hand the connection on while its query and its transaction are still open.
    stream: () => patientSocket(sockets, answerMs),
    types: { getTypeParser: typeParser as typeof pg.types.getTypeParser },
  });
  // Without listeners, the loss of a connection would end the process: the pool speaks for idle ones only.
  pool.on('connect', (client) => {
    client.on('error', (error) => logger.warn({ err: error }, 'a database connection was lost'));
  });
  pool.on('error', () => undefined);
  const schema = migrations?.schema;
  const dialect = new PostgresDialect({
    pool,
    onCreateConnection: (connection) => setLimits(connection, answerMs, schema),
  });
  const db = new Kysely<Schema>({ dialect: packedDialect(dialect) });
  const close = async (): Promise<void> => {
    // A server that hangs does not even take leave.
    const cut = setTimeout(() => {
      for (const socket of sockets) socket.destroy();
    }, closeMs);
    await db.destroy().finally(() => clearTimeout(cut));
  };
  try {
    if (schema !== undefined) await makeSchema(db, schema);
    await migrate(db, 'postgres', migrations);
  } catch (error) {
    await close();
    throw error;
  }
  return { engine: 'postgres', db, reader: db, close };
}

/** By statements, not at the start of the connection: PgBouncer refuses a start with parameters that it does not know. */
async function setLimits(connection: DatabaseConnection, answerMs: number, schema: string | undefined): Promise<void> {
  // Well below the time for an answer: the error costs no connection.
  await connection.executeQuery(CompiledQuery.raw(`set lock_timeout = ${Math.ceil(answerMs / 4)}`));
  // A process that was stopped in the middle of a transaction must not hold up the others for ever.
  await connection.executeQuery(CompiledQuery.raw(`set idle_in_transaction_session_timeout = ${answerMs}`));
  if (schema !== undefined) await connection.executeQuery(CompiledQuery.raw(`set search_path = "${schema}"`));
}

async function makeSchema(db: Kysely<Schema>, name: string): Promise<void> {
  const { rows } = await sql`select 1 from pg_namespace where nspname = ${name}`.execute(db);
  if (rows.length > 0) return;
  // The lock ends with the transaction: two that make it at the same time would collide, `if not exists` or not.
  await db.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(hashtext(${name}))`.execute(trx);
    await sql`create schema if not exists ${sql.id(name)}`.execute(trx);
  });
}

/** A socket that breaks when nothing comes for that long; idle connections are closed by the pool long before. */
function patientSocket(sockets: Set<Socket>, answerMs: number): Socket {
  const socket = new Socket();
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
  return socket.setTimeout(answerMs, () => {
    socket.destroy(new Error(`the database has said nothing for ${answerMs} ms`));
  });
}

/** Our 64-bit integers are below 2^53, so plain numbers hold them. */
function typeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  return oid === int8 ? Number : pg.types.getTypeParser(oid, format as 'text');
}

/** The dialect, taught the packed parameters of packed.ts. */
function packedDialect(dialect: Dialect): Dialect {
  return {
    createAdapter: () => dialect.createAdapter(),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createDriver: () => packedDriver(dialect.createDriver()),
  };
}

function packedDriver(driver: Driver): Driver {
  const taught = new WeakSet<DatabaseConnection>();
  const acquire = driver.acquireConnection.bind(driver);
  driver.acquireConnection = async (options) => {
    const connection = await acquire(options);
    if (!taught.has(connection)) {
      taught.add(connection);
      const execute = connection.executeQuery.bind(connection);
      connection.executeQuery = (async (query: CompiledQuery) => {
        const { parameters } = query;
        const last = parameters.at(-1);
        if (last instanceof PackedRows) {
          return execute({ ...query, parameters: last.columns.map((column) => binaryArray(column, last.count)) });
        }
        if (last instanceof PackedAnswer) {
          const { rows } = await execute<Record<string, unknown>>({ ...query, parameters: parameters.slice(0, -1) });
          return {
            rows: [
              packRows(
                rows.map((row) => Object.values(row)),
                last.kinds,
              ),
            ],
          };
        }
        return execute(query);
      }) as DatabaseConnection['executeQuery'];
    }
    return connection;
  };
  return driver;
}

/** An array in PostgreSQL's binary format: what pg sends for a Buffer, without any text in between. */
function binaryArray(column: PackedColumn, count: number): Buffer {
  const isNumber = column instanceof Float64Array;
  const sizeBytes = 20 + count * (isNumber ? 12 : 4) + (isNumber ? 0 : column.bytes.length);
  const array = Buffer.alloc(sizeBytes);
  let at = array.writeInt32BE(1, 0); // dimensions
  at = array.writeInt32BE(1, at); // there may be nulls
  at = array.writeInt32BE(isNumber ? int8 : bytea, at);
  at = array.writeInt32BE(count, at);
  at = array.writeInt32BE(1, at); // lower bound
  for (let index = 0; index < count; index++) {
    if (isNumber) {
      const value = column[index]!;
      if (Number.isNaN(value)) at = array.writeInt32BE(-1, at);
      else at = array.writeBigInt64BE(BigInt(value), array.writeInt32BE(8, at));
      continue;
    }
    const value = bytesAt(column, index);
    at = array.writeInt32BE(value === null ? -1 : value.length, at);
    if (value === null) continue;
    array.set(value, at);
    at += value.length;
  }
  return array.subarray(0, at);
}
