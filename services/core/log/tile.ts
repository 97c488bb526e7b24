import { hashBytes } from '../sha256.ts';
import { requireUint, shiftRight } from './treeMath.ts';

/**
 * Tiles of a log by C2SP tlog-tiles (https://c2sp.org/tlog-tiles). A tile at level L holds up to 256 hashes of complete
 * subtrees with 2^(8 L) leaves each; the entry bundle N holds the entries whose leaf hashes are in tile 0/N.
 */

/** Hashes in a full tile, entries in a full bundle. */
export const tileWidth = 256;
/** Tree levels that a tile spans. */
export const tileHeight = 8;

/** One file of the log. `width` is 256 for a full tile, less for a partial one. */
export type Tile = { readonly level: number | 'entries'; readonly index: number; readonly width: number };

/** `tile/<L>/<N>` or `tile/<L>/<N>.p/<W>`. */
export function tilePath(level: number, index: number, width: number = tileWidth): string {
  requireUint(level, 'level');
  return `tile/${level}/${indexPath(index)}${widthPath(width)}`;
}

/** `tile/entries/<N>` or `tile/entries/<N>.p/<W>`. */
export function entriesPath(index: number, width: number = tileWidth): string {
  return `tile/entries/${indexPath(index)}${widthPath(width)}`;
}

/** Path of a tile or bundle. */
export function pathOf(tile: Tile): string {
  return tile.level === 'entries' ? entriesPath(tile.index, tile.width) : tilePath(tile.level, tile.index, tile.width);
}

function indexPath(index: number): string {
  requireUint(index, 'index');
  const digits = String(index);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0');
  const groups = padded.match(/.../g)!;
  return groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/');
}

function widthPath(width: number): string {
  if (!Number.isInteger(width) || width < 1 || width > tileWidth) throw new RangeError('a tile is 1 to 256 wide');
  return width === tileWidth ? '' : `.p/${width}`;
}

const pathPattern =
  /^tile\/(entries|0|[1-9]|[1-5][0-9]|6[0-3])\/((?:x[0-9]{3}\/){0,5}[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;

/** The tile that a path names, or undefined when it is not exactly a path of {@link pathOf}. */
export function parseTilePath(path: string): Tile | undefined {
  const match = pathPattern.exec(path);
  if (!match) return undefined;
  const level = match[1] === 'entries' ? 'entries' : Number(match[1]);
  const index = Number(match[2]!.replace(/[x/]/g, ''));
  const width = match[3] === undefined ? tileWidth : Number(match[3]);
  if (!Number.isSafeInteger(index) || width > tileWidth) return undefined;
  const tile: Tile = { level, index, width };
  // One path for each tile: no leading groups of zeros, no `.p/256`.
  return pathOf(tile) === path ? tile : undefined;
}

/** Hashes at a tile level of a log: complete subtrees of 2^(8 level) leaves. */
export function hashesAtLevel(level: number, treeSize: number): number {
  return shiftRight(treeSize, tileHeight * level);
}

/** Width of a tile in a log of the given size: 0 where it has none, 256 where it is full. */
export function widthOf(level: number | 'entries', index: number, treeSize: number): number {
  const hashes = hashesAtLevel(level === 'entries' ? 0 : level, treeSize);
  return Math.max(0, Math.min(tileWidth, hashes - tileWidth * index));
}

/** Every tile and bundle of a log of the given size: bundles first, then level by level. */
export function tilesOf(treeSize: number): Generator<Tile> {
  return tilesToWrite(0, treeSize);
}

/**
 * Tiles and bundles that a log of size `to` has and one of size `from` has not: what to write when it grows. Partial tiles
 * that it replaces may then be deleted.
 * @throws RangeError when from > to.
 */
export function* tilesToWrite(from: number, to: number): Generator<Tile> {
  requireUint(from, 'from');
  requireUint(to, 'to');
  if (from > to) throw new RangeError('a log does not shrink');
  yield* newAtLevel('entries', from, to);
  for (let level = 0; hashesAtLevel(level, to) > 0; level++) {
    yield* newAtLevel(level, hashesAtLevel(level, from), hashesAtLevel(level, to));
  }
}

function* newAtLevel(level: number | 'entries', from: number, to: number): Generator<Tile> {
  if (from === to) return;
  const full = Math.floor(to / tileWidth);
  for (let index = Math.floor(from / tileWidth); index < full; index++) yield { level, index, width: tileWidth };
  if (to % tileWidth > 0) yield { level, index: full, width: to % tileWidth };
}

/** Where a node stands: in tile (tileLevel, tileIndex) it is the root over `count` hashes from `offset` on. */
export type NodePlace = {
  readonly tileLevel: number;
  readonly tileIndex: number;
  /** Tree levels above the tile's own hashes, 0 to 7. */
  readonly height: number;
  /** Index among the tile's nodes of that height. */
  readonly position: number;
};

/** Place of the node (level, index), as in `NodeReader`. */
export function placeOf(level: number, index: number): NodePlace {
  const tileLevel = Math.floor(level / tileHeight);
  const height = level % tileHeight;
  const perTile = 2 ** (tileHeight - height);
  return { tileLevel, tileIndex: Math.floor(index / perTile), height, position: index % perTile };
}

/** Size in bytes of a tile of hashes. */
export function tileBytes(width: number): number {
  return hashBytes * width;
}
