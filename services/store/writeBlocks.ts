import { zeroHash } from '../core/block.ts';
import { type BlockState, nextBlockState } from '../core/blockState.ts';
import { NotariumError } from '../core/errors.ts';
import { BlockCache } from './BlockCache.ts';
import { type BlockRow, blockAt, committedRow, liveRows, newestBlock, type Runs, toRuns } from './blocks.ts';
import { type StoreContext, write } from './context.ts';
import { type Db, lockCounters, selectPacked } from './database.ts';
import { lastLiveSeq } from './pool.ts';
import type { AnchoredBlock, BlockPatch, NewBlock, SeqRange } from './StoredBlock.ts';
import type { WriteOptions } from './WriteOptions.ts';

/** See `Store.saveBlock`. */
export async function saveBlock(
  context: StoreContext,
  block: NewBlock,
  range: SeqRange,
  options?: WriteOptions,
): Promise<void> {
  await write(context, options, async (trx) => {
    const { log_size } = await lockCounters(context.engine, trx);
    const { header, hash } = block;
    const same = await blockAt(trx, header.height);
    if (same?.hash === hash) return;
    const newest = await newestBlock(trx);
    requireNext(block, range, newest, log_size);
    const runs = range.count === 0 ? [] : await runsIn(trx, range);
    await trx.deleteFrom('blocks').where('hash', '=', hash).where('state', '=', 'void').execute();
    await trx
      .insertInto('blocks')
      .values({
        hash,
        height: header.height,
        state: 'sealed',
        tree_size: header.treeSize,
        count: header.treeSize - (newest?.tree_size ?? 0),
        runs: JSON.stringify(runs),
        last_seq: range.lastSeq,
        sealed_ms: block.sealedMs,
        header: JSON.stringify(header),
        signatures: JSON.stringify(block.signatures),
        anchor: null,
        submission: null,
      })
      .execute();
  });
}

function requireNext({ header }: NewBlock, range: SeqRange, newest: BlockRow | undefined, logSize: number): void {
  const height = (newest?.height ?? 0) + 1;
  if (header.height !== height) throw new RangeError(`block ${header.height} where ${height} comes next`);
  if (header.parent !== (newest?.hash ?? zeroHash)) throw new RangeError('the block has another parent');
  const before = newest?.tree_size ?? 0;
  // After orphaned blocks the log is longer than what blocks cover.
  if (header.treeSize <= before || header.treeSize !== Math.max(before, logSize) + range.count) {
    throw new RangeError('the block has another size than its records');
  }
}

/** The rows of the range: exactly as many as said, and the oldest free ones. */
async function runsIn(trx: Db, { firstSeq, lastSeq, count }: SeqRange): Promise<Runs> {
  const free = trx
    .selectFrom('pool')
    .select('seq')
    .where('seq', '>', await lastLiveSeq(trx))
    .orderBy('seq')
    .limit(count);
  const { columns } = await selectPacked(trx, free, ['number']);
  const seqs = columns[0] as Float64Array;
  if (seqs.length !== count || seqs[0] !== firstSeq || seqs.at(-1) !== lastSeq) {
    throw new RangeError('a block takes the oldest free rows of the pool, all of them up to its last');
  }
  return toRuns(seqs);
}

/** See `Store.updateBlock`. */
export async function updateBlock(
  context: StoreContext,
  height: number,
  patch: BlockPatch,
  options?: WriteOptions,
): Promise<void> {
  await write(context, options, async (trx) => {
    await lockCounters(context.engine, trx);
    const row = await blockAt(trx, height);
    if (!row) throw new NotariumError('block-not-found', `height ${height}`);
    const { state, signatures, anchor, submission } = patch;
    if (state !== undefined && state !== row.state) requireEdge(row.state, state);
    const json = (value: object | null): string | null => (value === null ? null : JSON.stringify(value));
    const changes = {
      ...(state === undefined ? {} : { state }),
      ...(signatures === undefined ? {} : { signatures: JSON.stringify(signatures) }),
      ...(anchor === undefined ? {} : { anchor: json(anchor) }),
      ...(submission === undefined ? {} : { submission: json(submission) }),
    };
    if (Object.keys(changes).length === 0) return;
    await trx.updateTable('blocks').set(changes).where('hash', '=', row.hash).execute();
  });
}

function requireEdge(from: BlockState, to: BlockState): void {
  const edges = (['submit', 'find', 'vanish', 'void'] as const).filter((edge) => {
    try {
      return nextBlockState(from, edge) === to;
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
  });
  if (edges.length === 0) throw new RangeError(`a block that is ${from} cannot become ${to}`);
}

/** See `Store.voidBlock`. */
export async function voidBlock(context: StoreContext, height: number, options?: WriteOptions): Promise<void> {
  await write(context, options, async (trx) => {
    await lockCounters(context.engine, trx);
    await voidFrom(trx, height);
  });
}

/** Writes down a committed block of the chain, which must follow the newest one; live ones of ours from there on become void. */
export async function insertAnchored(trx: Db, block: AnchoredBlock): Promise<void> {
  const { height } = block.header;
  await voidFrom(trx, height);
  const newest = await newestBlock(trx);
  if ((newest?.height ?? 0) !== height - 1) throw new RangeError('the block does not follow the newest one');
  await trx.deleteFrom('blocks').where('hash', '=', block.hash).execute();
  await trx
    .insertInto('blocks')
    .values(committedRow(block, newest?.tree_size ?? 0))
    .execute();
}

/** Makes every live block from the height on void. */
export async function voidFrom(trx: Db, height: number): Promise<void> {
  for (const row of await liveRows(trx, height)) {
    const state = nextBlockState(row.state, 'void');
    await trx.updateTable('blocks').set({ state }).where('hash', '=', row.hash).execute();
  }
}

/** See `Store.orphanBlocks`. */
export async function orphanBlocks(context: StoreContext, aboveHeight: number, options?: WriteOptions): Promise<void> {
  await write(context, options, async (trx) => {
    await lockCounters(context.engine, trx);
    const state = nextBlockState('anchored', 'vanish');
    await trx
      .updateTable('blocks')
      .set({ state })
      .where('state', '=', 'anchored')
      .where('height', '>', aboveHeight)
      .execute();
    await voidFrom(trx, aboveHeight + 1);
    await trx.deleteFrom('blocks').where('state', '=', 'committed').where('height', '>', aboveHeight).execute();
  });
  context.blocksByLeaf = new BlockCache();
}
