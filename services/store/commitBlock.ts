import { sql } from 'kysely';
import { nextBlockState } from '../core/blockState.ts';
import { sameBytes, toHex } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
import { appendLeaves, emptyFrontier, type Frontier, rootOf } from '../core/log/compactRange.ts';
import { edgeFrontier, readEdge, type TileEdge, type TileFile, TileGrower } from '../core/log/growTiles.ts';
import { pathOf, tilesToWrite, tileWidth } from '../core/log/tile.ts';
import { leafHash } from '../core/sha256.ts';
import { type BlockRow, blockAt, liveRows, newestBlock, rowsIn, runsOf } from './blocks.ts';
import { type StoreContext, write } from './context.ts';
import { type Db, lockCounters, selectPacked } from './database.ts';
import { sha256 } from './keys.ts';
import { readLogFile, tileCorrupt } from './logFiles.ts';
import { bytesAt, type PackedBytes } from './packed.ts';
import { beginPostings, endPostings, leaseOnly } from './postings.ts';
import type { WriteOptions } from './Store.ts';

// At 16 KiB an entry at most, 16 MiB in memory.
const rowsAtOnce = 1024;
// Short enough that nobody waits long for the database.
const postedAtOnce = 20_000;

/** See `Store.commitBlock`: first files and postings, which nobody looks for yet, then the rest in one transaction. */
export async function commitBlock(context: StoreContext, height: number, options?: WriteOptions): Promise<void> {
  const row = await blockAt(context.db, height);
  if (!row) throw new NotariumError('block-not-found', `height ${height}`);
  if (row.state === 'committed') return;
  nextBlockState(row.state, 'commit');
  const { log_size: from } = await context.db.selectFrom('counters').select('log_size').executeTakeFirstOrThrow();
  const count = rowsIn(runsOf(row) ?? []);
  if (row.tree_size !== from + count) throw new RangeError('blocks are committed in order of height');

  const edge = await readCheckedEdge(context, from);
  await checkRoot(context, row, edgeFrontier(edge));
  const poolBytes = { removed: 0 };
  await context.files.write(filesOf(context, row, edge, poolBytes));
  await beginPostings(context, row.hash, from, options);
  await addPostings(context, row, from, options);
  await write(context, options, async (trx) => {
    const counters = await lockCounters(context.engine, trx);
    const now = await blockAt(trx, height);
    if (now?.hash === row.hash && now.state === 'committed') return;
    if (now?.hash !== row.hash || counters.log_size !== from)
      throw new RangeError('the block is no longer the next one');
    await removeFromPool(trx, row);
    await endPostings(trx);
    await trx
      .updateTable('counters')
      .set({
        log_size: row.tree_size,
        pool_count: counters.pool_count - count,
        pool_bytes: counters.pool_bytes - poolBytes.removed,
      })
      .execute();
    const state = nextBlockState(now.state, 'commit');
    await trx.updateTable('blocks').set({ state }).where('hash', '=', row.hash).execute();
  });
  context.logSize = Math.max(context.logSize, row.tree_size);
  await removeReplaced(context, from, row.tree_size);
}

/** The right edge of the log, checked against the newest committed block. */
export async function readCheckedEdge(context: StoreContext, logSize: number): Promise<TileEdge> {
  const edge = await readEdge(logSize, (path) => readLogFile(context.files, path));
  const newest = await newestBlock(context.db, ['committed']);
  if (!newest) return edge;
  const { root } = JSON.parse(newest.header) as { root: string };
  if (newest.tree_size === logSize && toHex(rootOf(edgeFrontier(edge))) !== root) {
    throw tileCorrupt('tile/', `the newest tiles do not lead to the root of block ${newest.height}`);
  }
  return edge;
}

/** Frontier after the newest live block. */
export async function latestFrontier(context: StoreContext): Promise<Frontier> {
  let frontier = edgeFrontier(await readCheckedEdge(context, context.logSize));
  for (const row of await liveRows(context.reader)) {
    if (row.tree_size - rowsIn(runsOf(row) ?? []) !== frontier.size)
      throw new RangeError('a block was committed meanwhile');
    frontier = await grown(context, row, frontier);
  }
  return frontier;
}

/** Frontier of the log up to a block, from the leaf hashes in the pool. */
async function grown(context: StoreContext, row: BlockRow, before: Frontier): Promise<Frontier> {
  let frontier = before;
  for (const [first, last] of runsOf(row) ?? []) {
    const query = context.reader.selectFrom('pool').select('leaf_hash').orderBy('seq');
    const { columns } = await selectPacked(context.reader, query.where('seq', '>=', first).where('seq', '<=', last), [
      'bytes',
    ]);
    frontier = appendLeaves(frontier, (columns[0] as PackedBytes).bytes);
  }
  return frontier;
}

async function checkRoot(context: StoreContext, row: BlockRow, before: Frontier): Promise<void> {
  const frontier = await grown(context, row, before.size === 0 ? emptyFrontier : before);
  const { root } = JSON.parse(row.header) as { root: string };
  if (frontier.size !== row.tree_size || toHex(rootOf(frontier)) !== root) {
    throw new NotariumError('store-corrupt', `the pool rows of block ${row.height} do not lead to its root`);
  }
}

/** Every file that the log gains by the block, read from the pool piece by piece. */
async function* filesOf(
  context: StoreContext,
  row: BlockRow,
  edge: TileEdge,
  poolBytes: { removed: number },
): AsyncGenerator<TileFile> {
  const grower = new TileGrower(edge);
  for (const [first, last] of runsOf(row) ?? []) {
    for (let after = first - 1; after < last; ) {
      const query = context.reader
        .selectFrom('pool')
        .select(['seq', 'leaf_hash', 'entry'])
        .orderBy('seq')
        .limit(rowsAtOnce);
      const within = query.where('seq', '>', after).where('seq', '<=', last);
      const { count, columns } = await selectPacked(context.reader, within, ['number', 'bytes', 'bytes']);
      if (count === 0) throw new NotariumError('store-corrupt', `a pool row of block ${row.height} is missing`);
      const [seqs, hashes, packedEntries] = columns as [Float64Array, PackedBytes, PackedBytes];
      const entries = Array.from({ length: count }, (_, index) => bytesAt(packedEntries, index)!);
      for (const [index, entry] of entries.entries()) {
        // A row that the disk has changed must not become a part of the log.
        if (!sameBytes(leafHash(entry, sha256), bytesAt(hashes, index)!)) {
          throw new NotariumError('store-corrupt', `pool row ${seqs[index]} has changed`);
        }
      }
      poolBytes.removed += packedEntries.bytes.length;
      yield* grower.append({ leafHashes: hashes.bytes, entries });
      after = seqs[count - 1]!;
    }
  }
  yield* grower.partials();
}

/**
 * Postings from the pool's keys, sorted, so that the index is walked from left to right. Nobody sees those beyond the end
 * of the log, so they need not wait for the one transaction, and intake gets its turn in between.
 */
async function addPostings(
  context: StoreContext,
  row: BlockRow,
  from: number,
  options: WriteOptions | undefined,
): Promise<void> {
  let leafIndex = from;
  for (const [first, last] of runsOf(row) ?? []) {
    for (let start = first; start <= last; start += postedAtOnce) {
      const end = Math.min(last, start + postedAtOnce - 1);
      const shift = leafIndex - first;
      const keys = ['id52', 'digest_key', 'subject_key', 'submitter_key'].map(
        (name) => sql`select ${sql.ref(name)} as key, seq + cast(${shift} as bigint) as leaf_index
          from pool where seq between ${start} and ${end}`,
      );
      const insert = sql`insert into postings (key, leaf_index)
        select key, leaf_index from (${sql.join(keys, sql` union all `)}) as keys where true order by key, leaf_index
        on conflict do nothing`;
      await write(context, leaseOnly(options), (trx) => insert.execute(trx));
    }
    leafIndex += last - first + 1;
  }
}

async function removeFromPool(trx: Db, row: BlockRow): Promise<void> {
  for (const [first, last] of runsOf(row) ?? []) {
    await trx.deleteFrom('pool').where('seq', '>=', first).where('seq', '<=', last).execute();
  }
}

/** Partial files may go once their full one is there (C2SP tlog-tiles). What a crash leaves behind does no harm. */
export async function removeReplaced(context: StoreContext, from: number, to: number): Promise<void> {
  for (const tile of tilesToWrite(from, to)) {
    const wasPartial =
      tile.width === tileWidth &&
      tile.index === Math.floor(from / 256 ** (tile.level === 'entries' ? 1 : tile.level + 1));
    if (wasPartial) await context.files.removePartials(pathOf(tile));
  }
}
