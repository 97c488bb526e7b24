import { NotariumError } from '../errors.ts';
import { hashBytes, hashNodes } from '../sha256.ts';
import type { MaybePromise, NodeReader } from './proof.ts';
import { placeOf, tileBytes, tileHeight, tilePath, widthOf } from './tile.ts';

/**
 * Reads a tile of hashes. It may answer with a wider version of the tile (a partial tile's successor): the log only grows.
 */
export type TileReader = (level: number, index: number, width: number) => MaybePromise<Uint8Array>;

/**
 * A tile's hashes at height 0, and the nodes above them from height 3 up to height 7: each height's hashes one after another.
 * Those between are made again when they are asked for ({@link nodeAt}): they would be two fifths of the whole.
 */
export type Pyramid = readonly Uint8Array[];

const lowestKept = 3;
const notKept = new Uint8Array(0);

/** Reads a tile with the nodes above its hashes. */
export type PyramidReader = (level: number, index: number, width: number) => MaybePromise<Pyramid>;

/**
 * Pyramid reader that keeps the last `cachedTiles` tiles (10 KiB each); a tile that it has comes without a promise. It is
 * for one width of each tile.
 * @throws NotariumError `tile-corrupt` with { path } when a tile is too short.
 */
export function pyramidReader(readTile: TileReader, cachedTiles: number): PyramidReader {
  const cache = new Map<string, MaybePromise<Pyramid>>();

  const keep = (key: string, pyramid: MaybePromise<Pyramid>): void => {
    cache.delete(key);
    if (cache.size >= cachedTiles) cache.delete(cache.keys().next().value!);
    cache.set(key, pyramid);
  };
  return (level, index, width) => {
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
}

/**
 * Node reader over the tiles of a log of the given size, for inclusionProof and consistencyProof. It keeps the last
 * `cachedTiles` tiles (10 KiB each, 256 of them when left out); a node of a tile that it has comes without a promise.
 * @throws NotariumError `tile-corrupt` with { path } when a tile is too short, from the reader.
 * @throws RangeError for a node that the log does not have, from the reader.
 */
export function tileNodeReader(
  readTile: TileReader,
  treeSize: number,
  options: { cachedTiles?: number } = {},
): NodeReader {
  const pyramids = pyramidReader(readTile, options.cachedTiles ?? 256);
  return pyramidNodeReader((level, index) => pyramids(level, index, widthOf(level, index, treeSize)), treeSize);
}

/** {@link tileNodeReader} over pyramids that somebody else keeps: those of the tree itself, or of any larger one. */
export function pyramidNodeReader(
  pyramidAt: (level: number, index: number) => MaybePromise<Pyramid>,
  treeSize: number,
): NodeReader {
  return (level, index) => {
    const { tileLevel, tileIndex, height, position } = placeOf(level, index);
    const width = widthOf(tileLevel, tileIndex, treeSize);
    if ((position + 1) * 2 ** height > width) throw new RangeError('the log has no such complete subtree');
    const pyramid = pyramidAt(tileLevel, tileIndex);
    return pyramid instanceof Promise
      ? pyramid.then((heights) => nodeAt(heights, height, position))
      : nodeAt(pyramid, height, position);
  };
}

/** A copy of one node of a tile. */
export function nodeAt(pyramid: Pyramid, height: number, position: number): Uint8Array {
  if (height === 0 || height >= lowestKept) {
    return pyramid[height]!.slice(hashBytes * position, hashBytes * (position + 1));
  }
  const width = 2 ** height;
  let nodes = pyramid[0]!.subarray(hashBytes * width * position, hashBytes * width * (position + 1));
  for (let below = 0; below < height; below++) nodes = hashNodes(nodes);
  return nodes;
}

function pyramidOf(bytes: Uint8Array, level: number, index: number, width: number): Pyramid {
  if (bytes.length < tileBytes(width) || bytes.length % hashBytes !== 0) {
    throw new NotariumError('tile-corrupt', 'wrong size', {
      data: { path: tilePath(level, index, width), have: bytes.length, want: tileBytes(width) },
    });
  }
  // One buffer for all heights: thousands of tiles are kept, and each buffer has its price.
  let hashes = width;
  for (let height = lowestKept; height < tileHeight; height++) hashes += width >> height;
  const whole = new Uint8Array(hashBytes * hashes);
  whole.set(bytes.subarray(0, tileBytes(width)));
  let below: Uint8Array = whole.subarray(0, tileBytes(width));
  const heights: Uint8Array[] = [below];
  for (let height = 1, begin = tileBytes(width); height < tileHeight; height++) {
    const pairs = below.subarray(0, below.length - (below.length % (2 * hashBytes)));
    if (height < lowestKept) {
      below = hashNodes(pairs);
      heights.push(notKept);
      continue;
    }
    below = hashNodes(pairs, whole.subarray(begin, begin + pairs.length / 2));
    heights.push(below);
    begin += below.length;
  }
  return heights;
}
