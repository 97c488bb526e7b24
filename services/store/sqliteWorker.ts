import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { buffersOf, bytesAt, type PackedColumn, type PackedKind, packRows } from './packed.ts';

/** What the database thread is started with. */
export type SqliteWorkerData = { readonly path: string; readonly readOnly: boolean; readonly cacheKiB: number };

/** A statement and its parameters. */
export type SqliteStatement = { readonly sql: string; readonly parameters: readonly SQLInputValue[] };

/** What one of several statements has: rows, or how many it has changed. */
export type SqliteResult = { readonly rows: readonly object[]; readonly changes?: number };

/** One order to the database thread. `begin`: open a write transaction first. */
export type SqliteOrder = { readonly id: number; readonly begin?: boolean } & (
  | { readonly op: 'query'; readonly sql: string; readonly parameters: readonly SQLInputValue[] }
  | {
      readonly op: 'packed';
      readonly sql: string;
      readonly parameters: readonly SQLInputValue[];
      readonly kinds: readonly PackedKind[];
    }
  | { readonly op: 'many'; readonly sql: string; readonly count: number; readonly columns: readonly PackedColumn[] }
  | { readonly op: 'together'; readonly statements: readonly SqliteStatement[] }
  | { readonly op: 'commit' | 'rollback' | 'close' }
);

/** Answer to one order. */
export type SqliteAnswer = { readonly id: number } & (
  | Answer
  | { readonly error: { readonly message: string; readonly errcode?: number } }
);

type Answer = {
  readonly rows: readonly object[];
  readonly changes?: number;
  readonly packed?: { readonly count: number; readonly columns: readonly PackedColumn[] };
};
type Prepared = { readonly statement: StatementSync; readonly reads: boolean };

const cachedStatements = 300;
// How long an answer waits for those of the orders behind it.
const gatheredMs = 1;

/** The database of this thread: prepared statements are kept, a failed statement spoils its transaction. */
class SqliteThread {
  readonly #db: DatabaseSync;
  readonly #prepared = new Map<string, Prepared>();
  #spoiled = false;

  constructor({ path, readOnly, cacheKiB }: SqliteWorkerData) {
    this.#db = new DatabaseSync(path, { timeout: 5000, readOnly });
    this.#db.exec(`pragma cache_size = -${cacheKiB}; pragma temp_store = memory; pragma mmap_size = 0`);
    if (readOnly) return;
    this.#db.exec('pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 20000');
    // A log that once grew in a burst gives its space back.
    this.#db.exec('pragma journal_size_limit = 134217728');
  }

  run(order: SqliteOrder): Answer {
    switch (order.op) {
      case 'commit':
        return this.#commit();
      case 'rollback':
        return this.#rollback();
      case 'close':
        this.#prepared.clear();
        this.#db.close();
        return { rows: [] };
      default:
        if (order.begin) this.#spoiled = false;
        if (this.#spoiled) throw new Error('the transaction has failed before');
        try {
          if (order.begin) this.#db.exec('begin immediate');
          return order.op === 'together'
            ? { rows: order.statements.map((statement) => this.#query(statement)) }
            : this.#statement(order);
        } catch (error) {
          // As PostgreSQL has it: after a failed statement nothing of the transaction may be committed.
          this.#spoiled = this.#db.isTransaction || order.begin === true;
          throw error;
        }
    }
  }

  #statement(order: Extract<SqliteOrder, { sql: string }>): Answer {
    const { statement, reads } = this.#prepare(order.sql, order.op);
    if (order.op === 'many') {
      let changes = 0;
      for (let index = 0; index < order.count; index++) {
        changes += Number(statement.run(...order.columns.map((column) => valueAt(column, index))).changes);
      }
      return { rows: [], changes };
    }
    if (order.op === 'packed') {
      const rows = statement.iterate(...order.parameters) as unknown as Iterable<unknown[]>;
      const { count, columns } = packRows(rows, order.kinds);
      return { rows: [], packed: { count, columns } };
    }
    return answered(statement, reads, order.parameters);
  }

  #query({ sql, parameters }: SqliteStatement): SqliteResult {
    const { statement, reads } = this.#prepare(sql, 'query');
    return answered(statement, reads, parameters);
  }

  #prepare(sql: string, op: SqliteOrder['op']): Prepared {
    const key = op === 'packed' ? `packed ${sql}` : sql;
    let prepared = this.#prepared.get(key);
    if (!prepared) {
      const statement = this.#db.prepare(sql);
      if (op === 'packed') statement.setReturnArrays(true);
      prepared = { statement, reads: statement.columns().length > 0 };
      if (this.#prepared.size >= cachedStatements) this.#prepared.delete(this.#prepared.keys().next().value!);
      this.#prepared.set(key, prepared);
    }
    return prepared;
  }

  #commit(): Answer {
    if (this.#spoiled) {
      this.#rollback();
      throw new Error('the transaction has failed before');
    }
    try {
      this.#db.exec('commit');
    } catch (error) {
      this.#rollback();
      throw error;
    }
    return { rows: [] };
  }

  #rollback(): Answer {
    this.#spoiled = false;
    if (this.#db.isTransaction) this.#db.exec('rollback');
    return { rows: [] };
  }
}

function answered(statement: StatementSync, reads: boolean, parameters: readonly SQLInputValue[]): SqliteResult {
  if (reads) return { rows: statement.all(...parameters) };
  return { rows: [], changes: Number(statement.run(...parameters).changes) };
}

function valueAt(column: PackedColumn, index: number): SQLInputValue {
  if (!(column instanceof Float64Array)) return bytesAt(column, index);
  const value = column[index]!;
  return Number.isNaN(value) ? null : value;
}

const port = parentPort;
if (!port) throw new Error('this file runs in a worker thread');

let thread: SqliteThread | undefined;

function answerTo(order: SqliteOrder): SqliteAnswer {
  try {
    // Opened by the first order, so that a damaged file is an answer and not the death of the thread.
    thread ??= new SqliteThread(workerData as SqliteWorkerData);
    return { ...thread.run(order), id: order.id };
  } catch (cause) {
    const error = cause as Error & { errcode?: number };
    const { message, errcode } = error;
    return { id: order.id, error: { message, ...(errcode === undefined ? {} : { errcode }) } };
  }
}

port.on('message', (orders: readonly SqliteOrder[]) => {
  let answers: SqliteAnswer[] = [];
  let buffers: ArrayBuffer[] = [];
  let startMs = performance.now();
  for (const [at, order] of orders.entries()) {
    const answer = answerTo(order);
    answers.push(answer);
    if ('packed' in answer && answer.packed) buffers.push(...buffersOf(answer.packed.columns));
    // What is done need not wait for long work behind it.
    if (at + 1 < orders.length && performance.now() - startMs < gatheredMs) continue;
    port.postMessage(answers, buffers);
    answers = [];
    buffers = [];
    startMs = performance.now();
  }
  if (orders.at(-1)?.op === 'close') port.close();
});
