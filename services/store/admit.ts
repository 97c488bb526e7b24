import { sql } from 'kysely';
import { fromHex, sameBytes, toHex } from '../core/bytes.ts';
import { isNotariumError, NotariumError } from '../core/errors.ts';
import { holderOf, parseEntry } from '../core/record.ts';
import type { StoreContext } from './context.ts';
import { bulkInsert, type Db, lockCounters, numberList } from './database.ts';
import { digestKey, idKey, subjectKey, submitterKey } from './keys.ts';
import { locate } from './locate.ts';
import type { AdmitOutcome, FoundRecord, PoolRow } from './PoolRow.ts';
import { PackedRows, packBytes, packNumbers } from './packed.ts';
import { insertSuccessions } from './postings.ts';
import { recordColumns } from './schema.ts';

/** See `Store.admit`. */
export async function admit(context: StoreContext, rows: readonly PoolRow[]): Promise<AdmitOutcome[]> {
  if (rows.length === 0) return [];
  return context.db.transaction().execute(async (trx) => {
    const [counters, suspects] = await Promise.all([lockCounters(context.engine, trx), knownKeys(context, trx, rows)]);
    const known = await locateEach(
      context,
      trx,
      rows.filter((row) => suspects.has(idKey(row.id))).map((row) => row.id),
    );
    const batch = new Batch(counters.next_seq, known);
    const succeeding = rows.some((row) => row.supersedes) ? await successions(context, trx, rows) : undefined;
    const outcomes = rows.map((row) => batch.take(row, succeeding));
    await insert(context, trx, batch.accepted, counters);
    return outcomes;
  });
}

/** Records that the store knows, by id in hexadecimal; where a damaged entry keeps it from saying, the error. */
type Known = ReadonlyMap<string, FoundRecord | NotariumError>;

/** As {@link locate}; a damaged entry fails only those who ask for it. */
async function locateEach(context: StoreContext, trx: Db, ids: readonly Uint8Array[]): Promise<Known> {
  try {
    return await locate(context, trx, ids);
  } catch (error) {
    if (!isNotariumError(error, 'tile-corrupt')) throw error;
    if (ids.length === 1) return new Map([[toHex(ids[0]!), error]]);
    const half = Math.ceil(ids.length / 2);
    const first = await locateEach(context, trx, ids.slice(0, half));
    return new Map([...first, ...(await locateEach(context, trx, ids.slice(half)))]);
  }
}

/** Keys of the rows that something in the store has too; usually none. */
async function knownKeys(context: StoreContext, trx: Db, rows: readonly PoolRow[]): Promise<Set<number>> {
  const list = numberList(
    context.engine,
    rows.map((row) => idKey(row.id)),
  );
  const { rows: known } = await sql<{ value: number }>`select value from ${list}
    where exists (select 1 from pool where id52 = list.value)
      or exists (select 1 from postings where postings.key = list.value)
      or exists (select 1 from refusals where id52 = list.value)`.execute(trx);
  return new Set(known.map((row) => row.value));
}

/** What the store knows of the predecessors that rows name. */
type Successions = {
  readonly predecessors: Known;
  /** Winner by predecessor. */
  readonly winners: Map<string, Uint8Array>;
};

async function successions(context: StoreContext, trx: Db, rows: readonly PoolRow[]): Promise<Successions> {
  const wanted = new Map(
    rows.flatMap(({ supersedes }) => (supersedes ? [[toHex(supersedes), supersedes] as const] : [])),
  );
  const ids = [...wanted.values()];
  const predecessors = await locateEach(context, trx, ids);
  const winners = new Map<string, Uint8Array>();
  for (let start = 0; start < ids.length; start += 500) {
    const some = ids.slice(start, start + 500);
    const taken = await trx.selectFrom('successors').selectAll().where('predecessor', 'in', some).execute();
    for (const row of taken) winners.set(toHex(row.predecessor), row.winner);
  }
  return { predecessors, winners };
}

/** One call's rows in order: later ones see what earlier ones have become. */
class Batch {
  readonly accepted: PoolRow[] = [];
  readonly #firstSeq: number;
  readonly #known: Known;
  /** Accepted rows by key; a list only where two share one. */
  readonly #byKey = new Map<number, PoolRow | PoolRow[]>();

  constructor(firstSeq: number, known: Known) {
    this.#firstSeq = firstSeq;
    this.#known = known;
  }

  take(row: PoolRow, succeeding: Successions | undefined): AdmitOutcome {
    const twin = this.#find(row.id);
    if (twin) return pooled(twin);
    const known = this.#known.size === 0 ? undefined : this.#known.get(toHex(row.id));
    if (known instanceof NotariumError) return { status: 'failed', error: known };
    if (known) return outcomeOf(known);
    if (row.supersedes) {
      const refused = this.#succeed(row, row.supersedes, succeeding!);
      if (refused) return refused;
    }
    this.accepted.push(row);
    const key = idKey(row.id);
    const other = this.#byKey.get(key);
    this.#byKey.set(key, other ? [other, row].flat() : row);
    return { status: 'accepted', seq: this.#firstSeq + this.accepted.length - 1 };
  }

  #succeed(row: PoolRow, predecessor: Uint8Array, { predecessors, winners }: Successions): AdmitOutcome | undefined {
    const name = toHex(predecessor);
    const found = predecessors.get(name);
    if (found instanceof NotariumError) return { status: 'failed', error: found };
    const holder =
      this.#find(predecessor)?.holder ?? (found && found.where !== 'refused' ? holderIn(found.entry) : undefined);
    if (!holder) return { status: 'predecessor-unknown' };
    if (!sameBytes(holder, row.submitter)) return { status: 'holder-mismatch', holder };
    const winner = winners.get(name);
    if (winner) return { status: 'rival', winner };
    winners.set(name, row.id);
    return undefined;
  }

  #find(id: Uint8Array): PoolRow | undefined {
    const some = this.#byKey.get(idKey(id));
    if (!some) return undefined;
    return (Array.isArray(some) ? some : [some]).find((row) => sameBytes(row.id, id));
  }
}

function holderIn(entry: Uint8Array): Uint8Array {
  return fromHex(holderOf(parseEntry(entry).record));
}

function outcomeOf(known: FoundRecord): AdmitOutcome {
  if (known.where === 'pool') return pooled(known);
  if (known.where === 'log') return { status: 'logged', leafIndex: known.leafIndex };
  return { status: 'refused', refusal: known.refusal };
}

function pooled({
  acceptedAt,
  includeBySlot,
  acceptance,
}: Pick<PoolRow, 'acceptedAt' | 'includeBySlot' | 'acceptance'>): AdmitOutcome {
  return { status: 'pooled', acceptedAt, includeBySlot, acceptance };
}

async function insert(
  context: StoreContext,
  trx: Db,
  rows: readonly PoolRow[],
  counters: { next_seq: number; pool_count: number; pool_bytes: number },
): Promise<void> {
  if (rows.length === 0) return;
  const { engine } = context;
  const { next_seq, pool_count, pool_bytes } = counters;
  const columns = [
    packNumbers(rows, (_, index) => next_seq + index),
    packNumbers(rows, (row) => idKey(row.id)),
    packBytes(rows, (row) => row.id),
    packBytes(rows, (row) => row.leafHash),
    packNumbers(rows, (row) => digestKey(row.digest)),
    packNumbers(rows, (row) => subjectKey(row.subject)),
    packNumbers(rows, (row) => submitterKey(row.submitter)),
    packNumbers(rows, (row) => row.acceptedAt),
    packNumbers(rows, (row) => row.includeBySlot),
    packBytes(rows, (row) => row.acceptance),
    packNumbers(rows, (row) => row.expiresMs),
    packBytes(rows, (row) => row.supersedes),
    packBytes(rows, (row) => row.entry),
  ];
  const heirs = rows.flatMap(({ supersedes, id }) => (supersedes ? [{ predecessor: supersedes, winner: id }] : []));
  await Promise.all([
    bulkInsert(engine, trx, 'pool', recordColumns, new PackedRows(rows.length, columns)),
    insertSuccessions(engine, trx, heirs),
    trx
      .updateTable('counters')
      .set({
        next_seq: next_seq + rows.length,
        pool_count: pool_count + rows.length,
        pool_bytes: rows.reduce((sum, row) => sum + row.entry.length, pool_bytes),
      })
      .execute(),
  ]);
}
