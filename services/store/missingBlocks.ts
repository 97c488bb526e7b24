import type { BlockHeader } from '../core/block.ts';
import { NotariumError } from '../core/errors.ts';
import { entriesPath, tileWidth } from '../core/log/tile.ts';
import { liveRows, runsOf } from './blocks.ts';
import type { StoreContext } from './context.ts';
import type { LogFiles } from './logFiles.ts';
import type { AnchoredBlock } from './StoredBlock.ts';

/**
 * Makes sure that the records of blocks which the chain has and the log has not are at least in the pool: blocks on their
 * way into the log.
 * @param missing Oldest first.
 * @param logSize Where the log ends.
 * @throws NotariumError `store-behind-chain` { height, path, missingBlocks }, naming the first bundle that is missing.
 */
export async function requirePooled(
  context: StoreContext,
  missing: readonly AnchoredBlock[],
  logSize: number,
): Promise<void> {
  let from = logSize;
  for (const { hash, header } of missing) {
    if (!(await isPooled(context, hash, header.treeSize - from))) {
      const path = await firstMissing(context.files, from, header);
      throw new NotariumError('store-behind-chain', `block ${header.height} and its entries, ${path} in the log`, {
        data: { height: header.height, path, missingBlocks: missing.length },
      });
    }
    from = header.treeSize;
  }
}

async function isPooled({ db }: StoreContext, hash: string, count: number): Promise<boolean> {
  const row = (await liveRows(db)).find((live) => live.hash === hash);
  let found = 0;
  for (const [first, last] of (row && runsOf(row)) ?? []) {
    const query = db.selectFrom('pool').select((from) => from.fn.countAll().as('count'));
    const { count: inRun } = await query.where('seq', '>=', first).where('seq', '<=', last).executeTakeFirstOrThrow();
    found += Number(inRun);
  }
  return row !== undefined && found === count;
}

/** The first bundle of a block that is not there; the last one where all are. */
async function firstMissing(files: LogFiles, from: number, { treeSize }: BlockHeader): Promise<string> {
  for (let index = Math.floor(from / tileWidth); ; index++) {
    const width = Math.min(tileWidth, treeSize - index * tileWidth);
    const isLast = (index + 1) * tileWidth >= treeSize;
    if (isLast || !(await files.readTile({ level: 'entries', index, width }))) return entriesPath(index, width);
  }
}
