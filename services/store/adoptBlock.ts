import { sql } from 'kysely';
import type { Anchor } from '../core/block.ts';
import { nextBlockState } from '../core/blockState.ts';
import type { Hash } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
import { committedRow, newestBlock, rowsIn, runsOf } from './blocks.ts';
import { type StoreContext, write } from './context.ts';
import { type Db, lockCounters } from './database.ts';
import type { AnchoredBlock } from './StoredBlock.ts';
import { recordColumns } from './schema.ts';
import type { WriteOptions } from './WriteOptions.ts';
import { voidFrom } from './writeBlocks.ts';

/** See `Store.adoptBlock`. */
export async function adoptBlock(
  context: StoreContext,
  hash: Hash,
  anchor: Anchor,
  options?: WriteOptions,
): Promise<void> {
  await write(context, options, async (trx) => {
    const counters = await lockCounters(context.engine, trx);
    const row = await trx.selectFrom('blocks').selectAll().where('hash', '=', hash).executeTakeFirst();
    const runs = (row && runsOf(row)) ?? [];
    // Sealed when the log was another one, which a deep reorganisation has changed since: it comes as other centres' blocks do.
    if (!row || row.tree_size !== counters.log_size + rowsIn(runs)) throw new NotariumError('block-not-found', hash);
    const state = nextBlockState(row.state, 'adopt');
    await voidFrom(trx, row.height);
    const newest = await newestBlock(trx);
    if ((newest?.height ?? 0) !== row.height - 1) throw new RangeError('the block does not follow the newest one');
    await trx
      .updateTable('blocks')
      .set({ state, anchor: JSON.stringify(anchor) })
      .where('hash', '=', hash)
      .execute();
    let { pool_count, pool_bytes } = counters;
    for (const [first, last] of runs) {
      const back = await restoreRefused(trx, first, last);
      pool_count += back.count;
      pool_bytes += back.bytes;
    }
    await trx.updateTable('counters').set({ pool_count, pool_bytes }).execute();
  });
}

/** See `Store.adoptLogged`. */
export async function adoptLogged(context: StoreContext, block: AnchoredBlock, options?: WriteOptions): Promise<void> {
  await write(context, options, async (trx) => {
    const { log_size } = await lockCounters(context.engine, trx);
    const { height, treeSize } = block.header;
    await voidFrom(trx, height);
    const newest = await newestBlock(trx);
    if ((newest?.height ?? 0) !== height - 1) throw new RangeError('the block does not follow the newest one');
    if (treeSize > log_size) throw new RangeError('the block goes beyond the log');
    await trx.deleteFrom('blocks').where('hash', '=', block.hash).execute();
    await trx
      .insertInto('blocks')
      .values(committedRow(block, newest?.tree_size ?? 0))
      .execute();
  });
}

/** The chain has the last word: what was refused although its block stands is in the pool again, as the one successor. */
async function restoreRefused(trx: Db, first: number, last: number): Promise<{ count: number; bytes: number }> {
  const between = trx.selectFrom('refusals').where('seq', '>=', first).where('seq', '<=', last);
  const rows = await between.select(['seq', 'id', 'supersedes', sql<number>`length(entry)`.as('size')]).execute();
  if (rows.length === 0) return { count: 0, bytes: 0 };
  await trx
    .insertInto('pool')
    .columns([...recordColumns])
    .expression(between.select([...recordColumns]))
    .execute();
  await trx.deleteFrom('refusals').where('seq', '>=', first).where('seq', '<=', last).execute();
  for (const { id, supersedes } of rows) {
    if (!supersedes) continue;
    await trx.deleteFrom('successors').where('predecessor', '=', supersedes).execute();
    await trx.insertInto('successors').values({ predecessor: supersedes, winner: id }).execute();
  }
  return { count: rows.length, bytes: rows.reduce((sum, row) => sum + row.size, 0) };
}
