import { sql } from 'kysely';
import { toHex } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
import { tileWidth } from '../core/log/tile.ts';
import { BlockCache } from './BlockCache.ts';
import { committedRow } from './blocks.ts';
import type { StoreContext } from './context.ts';
import { type Db, lockCounters } from './database.ts';
import { indexIfRecord } from './keys.ts';
import { removeLeftOver } from './leftOver.ts';
import { locate } from './locate.ts';
import { rebuildingMeta, setMeta } from './meta.ts';
import { requirePooled } from './missingBlocks.ts';
import { endPostings, insertPostings, insertSuccessions, type Posting, type Succession } from './postings.ts';
import type { Progress, RebuildReport } from './Store.ts';
import type { AnchoredBlock } from './StoredBlock.ts';
import { reaches, readBundle, walkLog } from './walkLog.ts';

// One transaction: 64 k postings.
const entriesAtOnce = 64 * tileWidth;
const lookedUpAtOnce = 500;

/** See `Store.rebuildFromTiles`. Nothing in the database changes before the whole log has been found right. */
export async function rebuildFromTiles(
  context: StoreContext,
  source: {
    readonly blocks: readonly AnchoredBlock[];
    readonly allowMissing?: boolean;
    readonly onProgress?: Progress;
  },
): Promise<Omit<RebuildReport, 'salvaged'>> {
  const { files } = context;
  const { blocks: anchored, onProgress } = source;
  const blocks = [...anchored];
  checkOrder(blocks);
  await removeLeftOver(context, undefined);
  while (blocks.length > 0 && !(await reaches(files, blocks.at(-1)!.header.treeSize))) blocks.pop();
  const logSize = blocks.at(-1)?.header.treeSize ?? 0;
  if (!source.allowMissing) await requirePooled(context, anchored.slice(blocks.length), logSize);

  const mendedTiles: string[] = [];
  const half = (done: number, total: number): void => onProgress?.(done, 2 * total);
  await walkLog(
    files,
    blocks.map(({ header }) => header),
    async (tile) => {
      await files.write([tile]);
      mendedTiles.push(tile[0]);
    },
    half,
  );
  context.log.clear();

  await begin(context);
  for (let first = 0; first < logSize; first += entriesAtOnce) {
    await index(context, first, Math.min(first + entriesAtOnce, logSize));
    onProgress?.(logSize + Math.min(first + entriesAtOnce, logSize), 2 * logSize);
  }
  await replaceBlocks(context, blocks, logSize);
  context.logSize = logSize;
  context.blocksByLeaf = new BlockCache();
  await finish(context);
  return { logSize, blocks: blocks.length, missingBlocks: anchored.length - blocks.length, mendedTiles };
}

function checkOrder(blocks: readonly AnchoredBlock[]): void {
  blocks.forEach(({ header }, at) => {
    if (header.height === at + 1 && header.treeSize > (blocks[at - 1]?.header.treeSize ?? 0)) return;
    throw new NotariumError('block-invalid', `block ${header.height} does not follow the one before`);
  });
}

async function begin({ db, engine }: StoreContext): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await lockCounters(engine, trx);
    await setMeta(trx, rebuildingMeta, 'yes');
    // A delete of all rows takes PostgreSQL longer than it may take for an answer.
    if (engine === 'postgres') await sql`truncate table postings`.execute(trx);
    else await trx.deleteFrom('postings').execute();
    await endPostings(trx);
    await trx.deleteFrom('successors').execute();
    await trx.updateTable('counters').set({ log_size: 0 }).execute();
  });
}

async function index({ db, engine, files, logger }: StoreContext, from: number, to: number): Promise<void> {
  const postings: Posting[] = [];
  const heirs: Succession[] = [];
  for (let first = from; first < to; first += tileWidth) {
    const entries = await readBundle(files, first / tileWidth, Math.min(tileWidth, to - first));
    for (const [at, entry] of entries.entries()) {
      const known = indexIfRecord(entry, logger);
      if (!known) continue;
      const { id, keys, supersedes } = known;
      for (const key of keys) postings.push([key, first + at]);
      if (supersedes) heirs.push({ predecessor: supersedes, winner: id });
    }
  }
  await db.transaction().execute(async (trx) => {
    await insertPostings(engine, trx, postings);
    // In log order: there cannot be two for one in a valid log.
    await insertSuccessions(engine, trx, heirs);
  });
}

async function replaceBlocks(
  { db, engine }: StoreContext,
  blocks: readonly AnchoredBlock[],
  logSize: number,
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await lockCounters(engine, trx);
    // What is above the chain's blocks stays: a live block is still on its way.
    await trx.deleteFrom('blocks').where('state', '=', 'committed').execute();
    await trx.deleteFrom('blocks').where('height', '<=', blocks.length).execute();
    await insertBlocks(trx, blocks);
    await trx.updateTable('counters').set({ log_size: logSize }).execute();
    const heirs = trx.selectFrom('pool').where('supersedes', 'is not', null).orderBy('seq');
    const rows = await heirs.select(['supersedes as predecessor', 'id as winner']).execute();
    for (const { predecessor, winner } of rows) {
      if (!predecessor) continue;
      await trx
        .insertInto('successors')
        .values({ predecessor, winner })
        .onConflict((on) => on.doNothing())
        .execute();
    }
  });
}

async function insertBlocks(trx: Db, blocks: readonly AnchoredBlock[]): Promise<void> {
  for (const [at, block] of blocks.entries()) {
    const before = blocks[at - 1]?.header.treeSize ?? 0;
    await trx.insertInto('blocks').values(committedRow(block, before)).execute();
  }
}

/**
 * Drops the pool rows that are in the log after all: their deletion was in a part of the database that was lost. The mark of
 * the rebuild goes with them: without them gone, the store would seal them a second time.
 */
async function finish(context: StoreContext): Promise<void> {
  const { db, engine } = context;
  const doubtful = await db
    .selectFrom('pool')
    .select(['seq', 'id', sql<number>`length(entry)`.as('size')])
    .where((from) => from.exists(from.selectFrom('postings').select('key').whereRef('key', '=', 'pool.id52')))
    .execute();
  await db.transaction().execute(async (trx) => {
    let { pool_count, pool_bytes } = await lockCounters(engine, trx);
    for (let start = 0; start < doubtful.length; start += lookedUpAtOnce) {
      const some = doubtful.slice(start, start + lookedUpAtOnce);
      const found = await locate(
        context,
        trx,
        some.map(({ id }) => id),
      );
      // A row that only shares its key with a record of the log stays.
      const logged = some.filter(({ id }) => found.get(toHex(id))?.where === 'log');
      const seqs = logged.map(({ seq }) => seq);
      if (seqs.length > 0) await trx.deleteFrom('pool').where('seq', 'in', seqs).execute();
      pool_count -= logged.length;
      pool_bytes -= logged.reduce((sum, { size }) => sum + size, 0);
    }
    await trx.updateTable('counters').set({ pool_count, pool_bytes }).execute();
    await trx.deleteFrom('meta').where('name', '=', rebuildingMeta).execute();
  });
}
