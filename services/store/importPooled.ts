import { isNotariumError } from '../core/errors.ts';
import { appendPooled } from './appendPooled.ts';
import { toRuns } from './blocks.ts';
import type { StoreContext } from './context.ts';
import type { AnchoredBlock } from './StoredBlock.ts';
import type { WriteOptions } from './WriteOptions.ts';
import { insertAnchored } from './writeBlocks.ts';

/** See `Store.importPooled`. */
export async function importPooled(
  context: StoreContext,
  block: AnchoredBlock,
  seqs: Float64Array,
  options?: WriteOptions,
): Promise<boolean> {
  const { header, hash } = block;
  const { height, root, treeSize } = header;
  try {
    await appendPooled(
      context,
      { height, hash, root, treeSize, runs: toRuns(seqs) },
      async (trx) => {
        await insertAnchored(trx, block);
        return true;
      },
      options,
    );
    return true;
  } catch (error) {
    if (!isNotariumError(error, 'store-corrupt')) throw error;
    // A row has left the pool, or the disk has changed it: others have the block too.
    context.logger.warn({ err: error, height }, 'the pool does not give a block that it gave a vote for');
    return false;
  }
}
