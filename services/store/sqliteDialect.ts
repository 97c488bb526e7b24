import type { SQLInputValue } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { moduleFile } from '../lib/moduleFile.ts';
import { buffersOf, PackedAnswer, PackedRows } from './packed.ts';
import type { SqliteAnswer, SqliteOrder, SqliteStatement, SqliteWorkerData } from './sqliteWorker.ts';

// biome-ignore lint/suspicious/noExplicitAny: what Kysely asks of a dialect
type AnyKysely = Kysely<any>;

/** An error of SQLite; `errcode` is the extended result code. */
export class SqliteError extends Error {
  readonly errcode: number | undefined;

  constructor(message: string, errcode: number | undefined) {
    super(message);
    this.name = 'SqliteError';
    this.errcode = errcode;
  }
}

/** As the only parameter of a query: statements that are one order, one after the other. The answer has a row for each: a {@link SqliteResult}. */
export class TogetherStatements {
  readonly statements: readonly SqliteStatement[];

  constructor(queries: readonly Pick<CompiledQuery, 'sql' | 'parameters'>[]) {
    this.statements = queries.map(({ sql, parameters }) => ({ sql, parameters: parameters as SQLInputValue[] }));
  }
}

type Order = SqliteOrder extends infer O ? (O extends SqliteOrder ? Omit<O, 'id'> : never) : never;
type Waiting = { resolve(answer: Extract<SqliteAnswer, { rows: unknown }>): void; reject(error: Error): void };

/**
 * A database in a thread of its own: orders are done one after another, in the order in which they are given. Those that
 * are given in one turn cross together, and so do their answers: a message costs more than many an order.
 */
export class SqliteThreadClient {
  readonly #data: SqliteWorkerData;
  /** Started by the first order: one that is never asked anything takes no memory. */
  #worker: Worker | undefined;
  readonly #waiting = new Map<number, Waiting>();
  #unsent: SqliteOrder[] = [];
  #transfer: ArrayBuffer[] = [];
  #lastId = 0;
  #dead: Error | undefined;
  #closed: Promise<void> | undefined;

  constructor(data: SqliteWorkerData) {
    this.#data = data;
  }

  /** @throws Error where the thread has ended, or has been told to. */
  order(order: Order, transfer: ArrayBuffer[] = []): Promise<Extract<SqliteAnswer, { rows: unknown }>> {
    // The thread would never end for what came after its last order in the same message.
    if (this.#closed) return Promise.reject(this.#dead ?? databaseClosed());
    return this.#order(order, transfer);
  }

  #order(order: Order, transfer: ArrayBuffer[]): Promise<Extract<SqliteAnswer, { rows: unknown }>> {
    if (this.#dead) return Promise.reject(this.#dead);
    this.#worker ??= this.#start();
    const id = ++this.#lastId;
    const answer = new Promise<Extract<SqliteAnswer, { rows: unknown }>>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
    });
    // An idle store must not keep a process alive; a waiting one must.
    if (this.#waiting.size === 1) this.#worker.ref();
    this.#unsent.push({ ...order, id } as SqliteOrder);
    for (const buffer of transfer) this.#transfer.push(buffer);
    // After the microtasks of this turn: queries made side by side come to this point one after another.
    if (this.#unsent.length === 1) process.nextTick(() => this.#send());
    return answer;
  }

  #start(): Worker {
    const worker = new Worker(new URL(moduleFile(import.meta.url, './sqliteWorker')), {
      workerData: this.#data,
      // What it answers is short-lived: a larger young generation only holds memory.
      resourceLimits: { maxYoungGenerationSizeMb: 12 },
    });
    worker.on('message', (answers: readonly SqliteAnswer[]) => {
      for (const answer of answers) this.#settle(answer);
      if (this.#waiting.size === 0) worker.unref();
    });
    worker.on('error', (error: Error) => this.#die(error));
    worker.on('exit', () => this.#die(new Error('the database thread has ended')));
    worker.unref();
    return worker;
  }

  #send(): void {
    const orders = this.#unsent;
    const transfer = this.#transfer;
    this.#unsent = [];
    this.#transfer = [];
    if (this.#dead) return;
    try {
      this.#worker!.postMessage(orders, transfer);
    } catch (error) {
      // What cannot cross is no order at all.
      for (const { id } of orders) {
        this.#waiting.get(id)!.reject(error as Error);
        this.#waiting.delete(id);
      }
    }
  }

  #settle(answer: SqliteAnswer): void {
    const waiting = this.#waiting.get(answer.id)!;
    this.#waiting.delete(answer.id);
    if ('error' in answer) waiting.reject(new SqliteError(answer.error.message, answer.error.errcode));
    else waiting.resolve(answer);
  }

  /** Resolves when the thread has ended, after all that was ordered before. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    if (this.#dead) return;
    const worker = this.#worker;
    if (!worker) return this.#die(databaseClosed());
    const exited = new Promise((resolve) => worker.once('exit', resolve));
    await this.#order({ op: 'close' }, []);
    worker.ref();
    await exited;
  }

  #die(error: Error): void {
    this.#dead ??= error;
    for (const waiting of this.#waiting.values()) waiting.reject(this.#dead);
    this.#waiting.clear();
  }
}

function databaseClosed(): Error {
  return new Error('the database is closed');
}

class SqliteConnection implements DatabaseConnection {
  readonly #thread: SqliteThreadClient;
  /** A transaction has been asked for, and begins with the next query: that saves a round trip. */
  #begin = false;

  constructor(thread: SqliteThreadClient) {
    this.#thread = thread;
  }

  begin(): void {
    this.#begin = true;
  }

  async end(op: 'commit' | 'rollback'): Promise<void> {
    if (this.#begin) this.#begin = false;
    else await this.#thread.order({ op });
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const begin = this.#begin ? { begin: true } : {};
    this.#begin = false;
    const [first] = parameters;
    const last = parameters.at(-1);
    if (first instanceof TogetherStatements) {
      const { rows } = await this.#thread.order({ op: 'together', statements: first.statements, ...begin });
      return { rows: rows as R[] };
    }
    if (first instanceof PackedRows) {
      const { count, columns } = first;
      const answer = await this.#thread.order({ op: 'many', sql, count, columns, ...begin }, buffersOf(columns));
      return { rows: [], numAffectedRows: BigInt(answer.changes ?? 0) };
    }
    if (last instanceof PackedAnswer) {
      const values = parameters.slice(0, -1) as SQLInputValue[];
      const answer = await this.#thread.order({ op: 'packed', sql, parameters: values, kinds: last.kinds, ...begin });
      const { count, columns } = answer.packed!;
      return { rows: [new PackedRows(count, columns) as R] };
    }
    const answer = await this.#thread.order({ op: 'query', sql, parameters: parameters as SQLInputValue[], ...begin });
    const rows = answer.rows as R[];
    return answer.changes === undefined ? { rows } : { rows, numAffectedRows: BigInt(answer.changes) };
  }

  // biome-ignore lint/correctness/useYield: answers come whole; large ones are asked for packed
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('no streams on SQLite: ask for a packed answer');
  }
}

/** One connection for all; Kysely itself lets one user at a time have it, unless the adapter says otherwise. */
class SqliteDriver implements Driver {
  readonly #thread: SqliteThreadClient;
  readonly #connection: SqliteConnection;

  constructor(thread: SqliteThreadClient) {
    this.#thread = thread;
    this.#connection = new SqliteConnection(thread);
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection;
  }

  async releaseConnection(): Promise<void> {}

  async beginTransaction(): Promise<void> {
    this.#connection.begin();
  }

  async commitTransaction(): Promise<void> {
    await this.#connection.end('commit');
  }

  async rollbackTransaction(): Promise<void> {
    await this.#connection.end('rollback');
  }

  async destroy(): Promise<void> {
    await this.#thread.close();
  }
}

/** A read-only connection never holds a transaction, so its queries need not wait for one another. */
class ReadOnlyAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

/** Kysely on `node:sqlite` in a worker thread. */
export function sqliteDialect(thread: SqliteThreadClient, options: { readOnly: boolean }): Dialect {
  return {
    createDriver: () => new SqliteDriver(thread),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createAdapter: () => (options.readOnly ? new ReadOnlyAdapter() : new SqliteAdapter()),
    createIntrospector: (db: AnyKysely) => new SqliteIntrospector(db),
  };
}
