import { toHex } from '../core/bytes.ts';
import { type Frontier, rootOf } from '../core/log/compactRange.ts';
import { edgeFrontier, readEdge, type TileEdge } from '../core/log/growTiles.ts';
import { pathOf, tilesToWrite, tileWidth } from '../core/log/tile.ts';
import { liveRows, newestBlock, rowsIn, runsOf } from './blocks.ts';
import type { StoreContext } from './context.ts';
import { readLogFile, tileCorrupt } from './logFiles.ts';
import { grown } from './pooledRuns.ts';

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
    frontier = await grown(context, runsOf(row) ?? [], frontier);
  }
  return frontier;
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
