import { NotariumError } from '../errors.ts';
import { hashBytes, hashNodes } from '../sha256.ts';
import type { MaybePromise, NodeReader } from './proof.ts';
import { placeOf, tileBytes, tileHeight, tilePath, widthOf } from './tile.ts';

/**
 * Reads a tile of hashes. It may answer with a wider version of the tile (a partial tile's successor): the log only grows.
 */
export type TileReader = (level: number, index: number, width: number) => MaybePromise<Uint8Array>;

/** A tile's hashes at height 0, and the nodes above them up to height 7. */
type Pyramid = readonly Uint8Array[];

/**
 * Node reader over the tiles of a log of the given size, for inclusionProof and consistencyProof. It keeps the last
 * `cachedTiles` tiles (16 KiB each, 256 of them when left out); a node of a tile that it has comes without a promise.
 * @throws NotariumError `tile-corrupt` with { path } when a tile is too short, from the reader.
 * @throws RangeError for a node that the log does not have, from the reader.
 */
export function tileNodeReader(
  readTile: TileReader,
  treeSize: number,
  options: { cachedTiles?: number } = {},
): NodeReader {
  const { cachedTiles = 256 } = options;
  const cache = new Map<string, MaybePromise<Pyramid>>();

  const keep = (key: string, pyramid: MaybePromise<Pyramid>): void => {
    cache.delete(key);
    if (cache.size >= cachedTiles) cache.delete(cache.keys().next().value!);
    cache.set(key, pyramid);
  };
  const tile = (level: number, index: number, width: number): MaybePromise<Pyramid> => {
    const key = `${level}/${index}`;
    const cached = cache.get(key);
    if (cached) {
      keep(key, cached);
      return cached;
    }
    const bytes = readTile(level, index, width);
    if (bytes instanceof Uint8Array) {
      const pyramid = pyramidOf(bytes, level, index, width);
      keep(key, pyramid);
      return pyramid;
    }
    const reading = bytes.then((read) => pyramidOf(read, level, index, width));
    keep(key, reading);
    // The caller gets a failure from `reading`; here it only means that there is nothing to keep.
    reading.then(
      (pyramid) => cache.get(key) === reading && cache.set(key, pyramid),
      () => cache.get(key) === reading && cache.delete(key),
    );
    return reading;
  };

  return (level, index) => {
    const { tileLevel, tileIndex, height, position } = placeOf(level, index);
    const width = widthOf(tileLevel, tileIndex, treeSize);
    if ((position + 1) * 2 ** height > width) throw new RangeError('the log has no such complete subtree');
    const pyramid = tile(tileLevel, tileIndex, width);
    return pyramid instanceof Promise
      ? pyramid.then((levels) => nodeAt(levels, height, position))
      : nodeAt(pyramid, height, position);
  };
}

function nodeAt(pyramid: Pyramid, height: number, position: number): Uint8Array {
  return pyramid[height]!.slice(hashBytes * position, hashBytes * (position + 1));
}

function pyramidOf(bytes: Uint8Array, level: number, index: number, width: number): Pyramid {
  if (bytes.length < tileBytes(width) || bytes.length % hashBytes !== 0) {
    throw new NotariumError('tile-corrupt', 'wrong size', {
      data: { path: tilePath(level, index, width), have: bytes.length, want: tileBytes(width) },
    });
  }
  const levels: Uint8Array[] = [bytes.slice(0, tileBytes(width))];
  for (let height = 1; height < tileHeight; height++) {
    const below = levels[height - 1]!;
    levels.push(hashNodes(below.subarray(0, below.length - (below.length % (2 * hashBytes)))));
  }
  return levels;
}
