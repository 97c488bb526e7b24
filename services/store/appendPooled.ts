import { sql } from 'kysely';
import { type Hex, sameBytes, toHex } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
import { type Frontier, rootOf } from '../core/log/compactRange.ts';
import { edgeFrontier, type TileEdge, type TileFile, TileGrower } from '../core/log/growTiles.ts';
import { leafHash } from '../core/sha256.ts';
import { nativeSha256 as sha256 } from '../lib/nativeSha256.ts';
import { type Runs, rowsIn } from './blocks.ts';
import { type StoreContext, write } from './context.ts';
import { type Db, lockCounters, selectPacked } from './database.ts';
import { removeLeftOver } from './leftOver.ts';
import { readCheckedEdge, removeReplaced } from './logEdge.ts';
import { bytesAt, type PackedBytes } from './packed.ts';
import { grown, piecesOf, pieceTable, postedAtOnce } from './pooledRuns.ts';
import { beginPostings, endPostings, leaseOnly } from './postings.ts';
import type { WriteOptions } from './WriteOptions.ts';

// At 16 KiB an entry at most, 16 MiB in memory.
const rowsAtOnce = 1024;

/** Pool rows that become leaves of the log, in this order. */
export type PooledBlock = {
  readonly height: number;
  readonly hash: string;
  readonly root: Hex;
  readonly treeSize: number;
  readonly runs: Runs;
};

/**
 * Moves pool rows into the log: first files and postings, which nobody looks for yet, then the rest in one transaction,
 * together with what `finish` does there; it answers false where everything has been done already.
 * @throws NotariumError `store-corrupt` when the rows are not all there, or do not lead to the block's root: then nothing
 *   has changed.
 */
export async function appendPooled(
  context: StoreContext,
  block: PooledBlock,
  finish: (trx: Db) => Promise<boolean>,
  options: WriteOptions | undefined,
): Promise<void> {
  const { runs, treeSize } = block;
  const { log_size: from } = await context.db.selectFrom('counters').select('log_size').executeTakeFirstOrThrow();
  const count = rowsIn(runs);
  if (treeSize !== from + count) throw new RangeError('blocks are committed in order of height');
  const edge = await readCheckedEdge(context, from);
  await checkRoot(context, block, edgeFrontier(edge));
  const poolBytes = { removed: 0 };
  await removeLeftOver(context, options);
  await context.files.write(filesOf(context, block, edge, poolBytes));
  await beginPostings(context, block.hash, from, options);
  await addPostings(context, runs, from, options);
  await write(context, options, async (trx) => {
    const counters = await lockCounters(context.engine, trx);
    if (!(await finish(trx))) return;
    if (counters.log_size !== from) throw new RangeError('the log has grown meanwhile');
    await removeFromPool(context, trx, runs);
    await endPostings(trx);
    await trx
      .updateTable('counters')
      .set({
        log_size: treeSize,
        pool_count: counters.pool_count - count,
        pool_bytes: counters.pool_bytes - poolBytes.removed,
      })
      .execute();
  });
  context.logSize = Math.max(context.logSize, treeSize);
  await removeReplaced(context, from, treeSize);
}

async function checkRoot(context: StoreContext, block: PooledBlock, before: Frontier): Promise<void> {
  const frontier = await grown(context, block.runs, before);
  if (frontier.size !== block.treeSize || toHex(rootOf(frontier)) !== block.root) {
    throw new NotariumError('store-corrupt', `the pool rows of block ${block.height} do not lead to its root`);
  }
}

/** Every file that the log gains by the block, read from the pool piece by piece. */
async function* filesOf(
  { reader, engine }: StoreContext,
  { height, runs }: PooledBlock,
  edge: TileEdge,
  poolBytes: { removed: number },
): AsyncGenerator<TileFile> {
  const grower = new TileGrower(edge);
  for (const pieces of piecesOf(runs, grower.size, rowsAtOnce)) {
    const query = sql`select pool.seq, pool.leaf_hash, pool.entry from ${pieceTable(engine, pieces)}
      cross join pool where pool.seq between piece.first and piece.last order by piece.leaf, pool.seq`;
    const { count, columns } = await selectPacked(reader, query, ['number', 'bytes', 'bytes']);
    if (count !== rowsIn(pieces.map(([first, last]) => [first, last] as const))) {
      throw new NotariumError('store-corrupt', `a pool row of block ${height} is missing`);
    }
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
  }
  yield* grower.partials();
}

/**
 * Postings from the pool's keys, sorted, so that the index is walked from left to right. Nobody sees those beyond the end
 * of the log, so they need not wait for the one transaction, and intake gets its turn in between.
 */
async function addPostings(
  context: StoreContext,
  runs: Runs,
  from: number,
  options: WriteOptions | undefined,
): Promise<void> {
  for (const pieces of piecesOf(runs, from, postedAtOnce)) {
    const keys = ['id52', 'digest_key', 'subject_key', 'submitter_key'].map(
      (name) => sql`select ${sql.ref(`pool.${name}`)} as key, piece.leaf + pool.seq - piece.first as leaf_index
        from ${pieceTable(context.engine, pieces)} cross join pool
        where pool.seq between piece.first and piece.last`,
    );
    const insert = sql`insert into postings (key, leaf_index)
      select key, leaf_index from (${sql.join(keys, sql` union all `)}) as keys where true order by key, leaf_index
      on conflict do nothing`;
    await write(context, leaseOnly(options), (trx) => insert.execute(trx));
  }
}

async function removeFromPool({ engine }: StoreContext, trx: Db, runs: Runs): Promise<void> {
  for (const pieces of piecesOf(runs, 0, postedAtOnce)) {
    await sql`delete from pool where seq in (select pool.seq from ${pieceTable(engine, pieces)}
      cross join pool where pool.seq between piece.first and piece.last)`.execute(trx);
  }
}
