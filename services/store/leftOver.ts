import { type Tile, tilesToWrite, widthOf } from '../core/log/tile.ts';
import { type StoreContext, write } from './context.ts';
import { type Db, lockCounters } from './database.ts';
import { getMeta, setMeta } from './meta.ts';
import { leaseOnly, postingMeta } from './postings.ts';
import type { WriteOptions } from './WriteOptions.ts';

/*
 * A log that is taken back leaves files and postings beyond its end, which nobody looks for. Before it grows again, they go:
 * the files here, the postings as those of a block that did not come to its end.
 */

const rolledBackFrom = 'rolled back from ';
const postingsLeft = 'rolled back';

/** Notes, in the transaction of a roll-back, how far the log reached. */
export async function noteLeftOver(trx: Db, logSize: number): Promise<void> {
  const before = leftOverSize(await getMeta(trx, postingMeta));
  await setMeta(trx, postingMeta, `${rolledBackFrom}${Math.max(before, logSize)}`);
}

/**
 * Removes the files that a roll-back has left: a reader that lacks a partial tile takes a wider one, which must not be of
 * another log. To be called before files are written; again after a crash.
 */
export async function removeLeftOver(context: StoreContext, options: WriteOptions | undefined): Promise<void> {
  if (leftOverSize(await getMeta(context.db, postingMeta)) === 0) return;
  await write(context, leaseOnly(options), async (trx) => {
    // Whoever has lost the lease meanwhile must not remove what its successor has written since.
    const { log_size } = await lockCounters(context.engine, trx);
    const size = leftOverSize(await getMeta(trx, postingMeta));
    if (size === 0) return;
    await context.files.removeWider(tilesBeyond(log_size, Math.max(size, log_size)));
    await setMeta(trx, postingMeta, postingsLeft);
  });
  // Who began with the larger log before it was taken back may have read these files since.
  context.log.clear();
}

/** Tiles that a larger log has more of, as wide as the smaller one has them. */
function* tilesBeyond(logSize: number, larger: number): Generator<Tile> {
  for (const { level, index } of tilesToWrite(logSize, larger)) {
    yield { level, index, width: widthOf(level, index, logSize) };
  }
}

function leftOverSize(mark: string | undefined): number {
  return mark?.startsWith(rolledBackFrom) ? Number(mark.slice(rolledBackFrom.length)) : 0;
}
