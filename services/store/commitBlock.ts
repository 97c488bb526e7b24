import { nextBlockState } from '../core/blockState.ts';
import type { Hex } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
import { appendPooled } from './appendPooled.ts';
import { blockAt, runsOf } from './blocks.ts';
import type { StoreContext } from './context.ts';
import type { WriteOptions } from './WriteOptions.ts';

/** See `Store.commitBlock`. */
export async function commitBlock(context: StoreContext, height: number, options?: WriteOptions): Promise<void> {
  const row = await blockAt(context.db, height);
  if (!row) throw new NotariumError('block-not-found', `height ${height}`);
  if (row.state === 'committed') return;
  nextBlockState(row.state, 'commit');
  const { root } = JSON.parse(row.header) as { root: Hex };
  const block = { height, hash: row.hash, root, treeSize: row.tree_size, runs: runsOf(row) ?? [] };
  await appendPooled(
    context,
    block,
    async (trx) => {
      const now = await blockAt(trx, height);
      if (now?.hash === row.hash && now.state === 'committed') return false;
      if (now?.hash !== row.hash) throw new RangeError('the block is no longer the next one');
      const state = nextBlockState(now.state, 'commit');
      await trx.updateTable('blocks').set({ state }).where('hash', '=', row.hash).execute();
      return true;
    },
    options,
  );
}
