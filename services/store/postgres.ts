import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  PostgresDialect,
} from 'kysely';
import pg from 'pg';
import type { Logger } from '../lib/logger.ts';
import { type Database, migrate } from './database.ts';
import { bytesAt, PackedAnswer, type PackedColumn, PackedRows, packRows } from './packed.ts';
import type { Schema } from './schema.ts';

const int8 = 20;
const bytea = 17;

/** Opens a PostgreSQL database and brings its schema up to date. */
export async function openPostgres(url: string, logger: Logger): Promise<Database> {
  const pool = new pg.Pool({
    connectionString: url,
    max: 8,
    application_name: 'notarium',
    connectionTimeoutMillis: 10_000,
    types: { getTypeParser: typeParser as typeof pg.types.getTypeParser },
  });
  // Without a listener, the loss of an idle connection would end the process.
  pool.on('error', (error) => logger.warn({ err: error }, 'an idle database connection was lost'));
  const db = new Kysely<Schema>({ dialect: packedDialect(new PostgresDialect({ pool })) });
  try {
    await migrate(db, 'postgres');
  } catch (error) {
    await db.destroy();
    throw error;
  }
  return { engine: 'postgres', db, reader: db, close: () => db.destroy() };
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
