import { sql } from 'kysely';
import { toHex } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
import { appendLeaves, rootOf } from '../core/log/compactRange.ts';
import { edgeFrontier, type TileEdge, type TileFile, TileGrower } from '../core/log/growTiles.ts';
import { type StoreContext, write } from './context.ts';
import { type Db, lockCounters, numberList, selectPacked } from './database.ts';
import { idKey, indexIfRecord } from './keys.ts';
import { removeLeftOver } from './leftOver.ts';
import { readCheckedEdge, removeReplaced } from './logEdge.ts';
import { bytesAt, type PackedBytes } from './packed.ts';
import {
  beginPostings,
  endPostings,
  insertPostings,
  insertSuccessions,
  leaseOnly,
  type Posting,
  type Succession,
} from './postings.ts';
import type { AnchoredBlock } from './StoredBlock.ts';
import { type Spool, spoolEntries } from './spool.ts';
import type { WriteOptions } from './WriteOptions.ts';
import { insertAnchored } from './writeBlocks.ts';

// Short enough that nobody waits long for the database.
const postedAtOnce = 4_096;
const removedAtOnce = 4_096;

/** What the index has to learn of a block's records. */
type Learnt = {
  /** 32 bytes each; an entry that is no record has none. */
  readonly ids: Uint8Array[];
  readonly heirs: Succession[];
};

/** See `Store.importBlocks`. Files and postings beyond the log's end are seen by nobody until the last transaction. */
export async function importBlocks(
  context: StoreContext,
  blocks: readonly AnchoredBlock[],
  entries: AsyncIterable<readonly Uint8Array[]>,
  options?: WriteOptions,
): Promise<void> {
  const last = blocks.at(-1);
  if (!last) throw new RangeError('no block');
  const { treeSize } = last.header;
  const { log_size: from } = await context.db.selectFrom('counters').select('log_size').executeTakeFirstOrThrow();
  for (const [at, { header }] of blocks.entries()) {
    const before = blocks[at - 1]?.header;
    const follows = !before || (header.height === before.height + 1 && header.parent === blocks[at - 1]!.hash);
    if (!follows) throw new RangeError(`block ${header.height} does not follow block ${before.height}`);
    if (header.treeSize <= (before?.treeSize ?? from)) throw new RangeError('the block does not go beyond the log');
  }
  await using spool = await spoolEntries(context.spoolDir, entries, treeSize - from);
  const edge = await readCheckedEdge(context, from);
  checkRoots(blocks, edge, spool);
  const learnt: Learnt = { ids: [], heirs: [] };
  await removeLeftOver(context, options);
  await beginPostings(context, last.hash, from, options);
  await context.files.write(filesOf(context, edge, spool, learnt, options));
  await write(context, options, async (trx) => {
    const counters = await lockCounters(context.engine, trx);
    if (counters.log_size !== from) throw new RangeError('the log has grown meanwhile');
    for (const block of blocks) await insertAnchored(trx, block);
    await endPostings(trx);
    await succeed(context, trx, learnt);
    const removed = await removeLogged(context, trx, learnt.ids);
    await trx
      .updateTable('counters')
      .set({
        log_size: treeSize,
        pool_count: counters.pool_count - removed.count,
        pool_bytes: counters.pool_bytes - removed.bytes,
      })
      .execute();
  });
  context.logSize = Math.max(context.logSize, treeSize);
  await removeReplaced(context, from, treeSize);
}

/** Before anything of it is written: what a peer sent must be what the chain vouches for, block by block. */
export function checkRoots(blocks: readonly AnchoredBlock[], edge: TileEdge, { leafHashes }: Spool): void {
  let frontier = edgeFrontier(edge);
  for (const { header } of blocks) {
    const hashes = leafHashes.subarray(32 * (frontier.size - edge.size), 32 * (header.treeSize - edge.size));
    frontier = appendLeaves(frontier, hashes);
    const root = toHex(rootOf(frontier));
    if (frontier.size === header.treeSize && root === header.root) continue;
    throw new NotariumError('block-invalid', `the records do not lead to the root of block ${header.height}`, {
      data: { height: header.height, have: root, want: header.root },
    });
  }
}

/** Every file that the log gains; on the way the postings are written and the rest is noted. */
async function* filesOf(
  context: StoreContext,
  edge: TileEdge,
  spool: Spool,
  learnt: Learnt,
  options: WriteOptions | undefined,
): AsyncGenerator<TileFile> {
  const grower = new TileGrower(edge);
  let postings: Posting[] = [];
  let posted: Promise<void> | undefined;
  try {
    for await (const entries of spool.read()) {
      const first = grower.size;
      const start = 32 * (first - edge.size);
      yield* grower.append({ leafHashes: spool.leafHashes.subarray(start, start + 32 * entries.length), entries });
      for (const [at, entry] of entries.entries()) {
        for (const key of learn(context, entry, learnt)) postings.push([key, first + at]);
      }
      if (postings.length < 4 * postedAtOnce) continue;
      await posted;
      // The database has its own thread: it writes these while the next files are made.
      posted = post(context, postings, options);
      // It is awaited below, but not before the next files.
      posted.catch(() => undefined);
      postings = [];
    }
    await posted;
    await post(context, postings, options);
    yield* grower.partials();
  } finally {
    // Where something else has failed: nothing of this block may be written once the next try has begun.
    await posted?.catch(() => undefined);
  }
}

/** Keys by which the entry is found. */
function learn({ logger }: StoreContext, entry: Uint8Array, { ids, heirs }: Learnt): readonly number[] {
  const index = indexIfRecord(entry, logger);
  if (!index) return [];
  const { id, keys, supersedes } = index;
  ids.push(id);
  if (supersedes) heirs.push({ predecessor: supersedes, winner: id });
  return keys;
}

async function post(context: StoreContext, postings: Posting[], options: WriteOptions | undefined): Promise<void> {
  await write(context, leaseOnly(options), (trx) => insertPostings(context.engine, trx, postings));
}

/** The log decides who succeeds; a rival in the pool has lost (`Store.rivals`). */
async function succeed({ engine }: StoreContext, trx: Db, { heirs }: Learnt): Promise<void> {
  for (let start = 0; start < heirs.length; start += 500) {
    const some = heirs.slice(start, start + 500);
    const predecessors = some.map(({ predecessor }) => predecessor);
    await trx.deleteFrom('successors').where('predecessor', 'in', predecessors).execute();
    await insertSuccessions(engine, trx, some);
  }
}

/** Takes the records out of the pool, and out of the refusals: the chain has the last word. */
async function removeLogged(
  { engine }: StoreContext,
  trx: Db,
  ids: readonly Uint8Array[],
): Promise<{ count: number; bytes: number }> {
  const removed = { count: 0, bytes: 0 };
  for (let start = 0; start < ids.length; start += removedAtOnce) {
    const some = new Map(ids.slice(start, start + removedAtOnce).map((id) => [toHex(id), idKey(id)]));
    for (const table of ['pool', 'refusals'] as const) {
      const list = numberList(engine, [...some.values()]);
      const query = trx
        // Both tables have the columns of a record.
        .selectFrom(table as 'pool')
        .select(['seq', 'id', sql<number>`length(entry)`.as('size')])
        .where('id52', 'in', sql<number>`(select value from ${list})`);
      const { count, columns } = await selectPacked(trx, query, ['number', 'bytes', 'number']);
      const [seqs, found, sizes] = columns as [Float64Array, PackedBytes, Float64Array];
      const gone: number[] = [];
      for (let index = 0; index < count; index++) {
        if (!some.has(toHex(bytesAt(found, index)!))) continue;
        gone.push(seqs[index]!);
        if (table === 'refusals') continue;
        removed.count++;
        removed.bytes += sizes[index]!;
      }
      for (let at = 0; at < gone.length; at += 500) {
        await trx
          .deleteFrom(table)
          .where('seq', 'in', gone.slice(at, at + 500))
          .execute();
      }
    }
  }
  return removed;
}
