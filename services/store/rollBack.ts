import { sql } from 'kysely';
import { toHex } from '../core/bytes.ts';
import { rootOf } from '../core/log/compactRange.ts';
import { encodeEntries } from '../core/log/entryBundle.ts';
import { edgeFrontier, readEdge, type TileEdge, TileGrower } from '../core/log/growTiles.ts';
import { parseTilePath, tileBytes, tileWidth, widthOf } from '../core/log/tile.ts';
import { parseEntry } from '../core/record.ts';
import { leafHash } from '../core/sha256.ts';
import { nativeSha256 as sha256 } from '../lib/nativeSha256.ts';
import { BlockCache } from './BlockCache.ts';
import { newestBlock } from './blocks.ts';
import { type StoreContext, write } from './context.ts';
import { bulkInsert, type Db, lockCounters } from './database.ts';
import { checkRoots } from './importBlocks.ts';
import { idKey, indexOfEntry } from './keys.ts';
import { noteLeftOver } from './leftOver.ts';
import { tileCorrupt } from './logFiles.ts';
import { getMeta, rollBacksMeta, setMeta } from './meta.ts';
import type { PoolPromise } from './PoolRow.ts';
import { PackedRows, packBytes, packNumbers } from './packed.ts';
import type { Store } from './Store.ts';
import type { AnchoredBlock } from './StoredBlock.ts';
import { recordColumns } from './schema.ts';
import { spoolEntries } from './spool.ts';
import type { WriteOptions } from './WriteOptions.ts';
import { readBundle } from './walkLog.ts';
import { voidFrom } from './writeBlocks.ts';

/** The part of `Store` about a log that the chain contradicts. */
export function rollBack(context: StoreContext): Pick<Store, 'isForkedBy' | 'rollBackLog'> {
  return {
    isForkedBy: (block, entries) => isForkedBy(context, block, entries),
    rollBackLog: (promise, options) => rollBackLog(context, promise, options),
  };
}

async function isForkedBy(
  context: StoreContext,
  block: AnchoredBlock,
  entries: AsyncIterable<readonly Uint8Array[]>,
): Promise<boolean> {
  const { treeSize } = block.header;
  const edge = await anchoredEdge(context);
  await using spool = await spoolEntries(context.spoolDir, entries, treeSize - edge.size);
  checkRoots([block], edge, spool);
  const logSize = context.logSize;
  const nodes = context.log.nodeReader(logSize, logSize);
  for (let leaf = edge.size; leaf < Math.min(logSize, treeSize); leaf++) {
    const start = 32 * (leaf - edge.size);
    if (Buffer.compare(await nodes(0, leaf), spool.leafHashes.subarray(start, start + 32)) !== 0) return true;
  }
  return false;
}

async function rollBackLog(
  context: StoreContext,
  promise: PoolPromise,
  options: WriteOptions | undefined,
): Promise<number> {
  const edge = await anchoredEdge(context);
  // They went when wider ones came; nobody minds them while the log still is the longer one.
  await context.files.write(new TileGrower(edge).partials());
  const { count, rollBacks } = await write(context, options, async (trx) => {
    const counters = await lockCounters(context.engine, trx);
    const newest = await newestBlock(trx, ['committed']);
    if ((newest?.tree_size ?? 0) !== edge.size) throw new RangeError('a block was committed meanwhile');
    await voidFrom(trx, (newest?.height ?? 0) + 1);
    // The rows of void blocks get other numbers, or have had: the chain's blocks come by their records from now on.
    await trx.deleteFrom('blocks').where('state', '=', 'void').execute();
    const back = await putBack(context, trx, { from: edge.size, ...counters }, promise);
    await noteLeftOver(trx, counters.log_size);
    const times = Number((await getMeta(trx, rollBacksMeta)) ?? 0) + 1;
    await setMeta(trx, rollBacksMeta, String(times));
    await trx
      .updateTable('counters')
      .set({ ...back.counters, log_size: edge.size })
      .execute();
    return { count: back.count, rollBacks: times };
  });
  forgetBeyond(context, edge.size, rollBacks);
  return count;
}

/** Sees that the log was taken back by another process on the same database. */
export async function noticeRollBack(context: StoreContext): Promise<void> {
  const rollBacks = Number((await getMeta(context.reader, rollBacksMeta)) ?? 0);
  if (rollBacks === context.rollBacks) return;
  const counters = await context.reader.selectFrom('counters').select('log_size').executeTakeFirstOrThrow();
  forgetBeyond(context, counters.log_size, rollBacks);
}

function forgetBeyond(context: StoreContext, logSize: number, rollBacks: number): void {
  context.rollBacks = rollBacks;
  context.logSize = logSize;
  context.log.clear();
  context.blocksByLeaf = new BlockCache();
}

/** The right edge of the log as the newest committed block has it; its own partial tiles may be gone. */
async function anchoredEdge(context: StoreContext): Promise<TileEdge> {
  const newest = await newestBlock(context.db, ['committed']);
  if (!newest) return { size: 0, entries: [], levels: [] };
  const edge = await readEdge(newest.tree_size, (path) => beginningOf(context, path));
  const { root } = JSON.parse(newest.header) as { root: string };
  if (toHex(rootOf(edgeFrontier(edge))) !== root) {
    throw tileCorrupt('tile/', `the tiles do not lead to the root of block ${newest.height}`);
  }
  return edge;
}

/** A partial tile or bundle, by whatever file begins with it. */
async function beginningOf({ files }: StoreContext, path: string): Promise<Uint8Array> {
  const tile = parseTilePath(path)!;
  const { level, index, width } = tile;
  if (level === 'entries') return encodeEntries(await readBundle(files, index, width));
  const bytes = await files.readTile(tile);
  if (!bytes || bytes.length < tileBytes(width)) throw tileCorrupt(path, 'it is missing, or too short');
  return bytes.subarray(0, tileBytes(width));
}

type Counters = {
  readonly next_seq: number;
  readonly pool_count: number;
  readonly pool_bytes: number;
  readonly log_size: number;
};

/**
 * Puts the records from `from` on into the pool, in front of what is there. Numbers of rows only grow, and other centres
 * read on from the last one that they have seen: so those that come back get the next ones, and the rest those after them.
 */
async function putBack(
  context: StoreContext,
  trx: Db,
  { from, next_seq, pool_count, pool_bytes, log_size }: Counters & { readonly from: number },
  promise: PoolPromise,
): Promise<{ readonly count: number; readonly counters: Omit<Counters, 'log_size'> }> {
  const end = next_seq + log_size - from;
  const first = await trx.selectFrom('pool').select('seq').orderBy('seq').limit(1).executeTakeFirst();
  const shift = end - (first?.seq ?? next_seq);
  await sql`update pool set seq = seq + ${shift}`.execute(trx);
  let count = 0;
  let bytes = 0;
  for (let start = from; start < log_size; ) {
    const index = Math.floor(start / tileWidth);
    const bundle = await readBundle(context.files, index, widthOf('entries', index, log_size));
    const entries = bundle.slice(start - index * tileWidth);
    const rows = entries.flatMap((entry, at) => returned(context, entry, next_seq + start - from + at));
    await insert(context, trx, rows, promise);
    count += rows.length;
    bytes += rows.reduce((sum, { entry }) => sum + entry.length, 0);
    start += entries.length;
  }
  const counters = {
    next_seq: next_seq + shift,
    pool_count: pool_count + count,
    pool_bytes: pool_bytes + bytes,
  };
  return { count, counters };
}

type Returned = {
  readonly seq: number;
  readonly entry: Uint8Array;
  readonly id: Uint8Array;
  readonly keys: readonly number[];
  readonly expiresMs: number | null;
  readonly supersedes: Uint8Array | null;
};

function returned({ logger }: StoreContext, entry: Uint8Array, seq: number): Returned[] {
  try {
    const { expires } = parseEntry(entry).record;
    const expiresMs = expires === undefined ? null : Date.parse(expires);
    const { id, keys, supersedes = null } = indexOfEntry(entry);
    return [{ seq, entry, id, keys, expiresMs, supersedes }];
  } catch (error) {
    // In the pool it would spoil every block of ours.
    logger.error({ err: error }, 'an entry that is no record is not sealed again');
    return [];
  }
}

async function insert(
  { engine }: StoreContext,
  trx: Db,
  rows: readonly Returned[],
  { acceptedAt, includeBySlot, acceptance }: PoolPromise,
): Promise<void> {
  const columns = [
    packNumbers(rows, ({ seq }) => seq),
    packNumbers(rows, ({ id }) => idKey(id)),
    packBytes(rows, ({ id }) => id),
    packBytes(rows, ({ entry }) => leafHash(entry, sha256)),
    packNumbers(rows, ({ keys }) => keys[1]!),
    packNumbers(rows, ({ keys }) => keys[2]!),
    packNumbers(rows, ({ keys }) => keys[3]!),
    packNumbers(rows, () => acceptedAt),
    packNumbers(rows, () => includeBySlot),
    packBytes(rows, () => acceptance),
    packNumbers(rows, ({ expiresMs }) => expiresMs),
    packBytes(rows, ({ supersedes }) => supersedes),
    packBytes(rows, ({ entry }) => entry),
  ];
  await bulkInsert(engine, trx, 'pool', recordColumns, new PackedRows(rows.length, columns));
}
