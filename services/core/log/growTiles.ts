import { NotariumError } from '../errors.ts';
import { hashBytes } from '../sha256.ts';
import { type Frontier, treeRoot } from './compactRange.ts';
import { decodeEntries, encodeEntries } from './entryBundle.ts';
import type { MaybePromise } from './proof.ts';
import { entriesPath, hashesAtLevel, tileBytes, tileHeight, tilePath, tileWidth } from './tile.ts';
import { onesOf } from './treeMath.ts';

/** The right edge of a log: its partial bundle and partial tiles, all that is needed to write what follows. */
export type TileEdge = {
  readonly size: number;
  /** Entries after the last full bundle. */
  readonly entries: readonly Uint8Array[];
  /** For each tile level the hashes (n * 32 bytes) after its last full tile; may be empty. */
  readonly levels: readonly Uint8Array[];
};

/** A file to write: its path in the log, and its bytes. */
export type TileFile = readonly [path: string, bytes: Uint8Array];

/** New leaves in log order; `leafHashes` holds 32 bytes for each entry. */
export type LeafBatch = { readonly leafHashes: Uint8Array; readonly entries: readonly Uint8Array[] };

/** Edge of a log without entries. */
export const emptyEdge: TileEdge = { size: 0, entries: [], levels: [] };

/**
 * Writes a growing log tile by tile. `append` gives every tile and bundle as it becomes full, `partials` what is not full
 * at the end; in between it holds one tile a level and one bundle.
 */
export class TileGrower {
  #size: number;
  #entries: Uint8Array[];
  #levels: { bytes: Uint8Array; width: number }[];

  /** @throws RangeError when the edge's parts do not fit its size. */
  constructor(edge: TileEdge = emptyEdge) {
    this.#size = edge.size;
    this.#entries = [...edge.entries];
    this.#levels = edge.levels.map((hashes, level) => {
      if (hashes.length !== tileBytes(hashesAtLevel(level, edge.size) % tileWidth)) throw edgeMismatch();
      const bytes = new Uint8Array(tileBytes(tileWidth));
      bytes.set(hashes);
      return { bytes, width: hashes.length / hashBytes };
    });
    if (edge.entries.length !== edge.size % tileWidth || hashesAtLevel(edge.levels.length, edge.size) > 0) {
      throw edgeMismatch();
    }
  }

  /** Size of the log so far. */
  get size(): number {
    return this.#size;
  }

  /**
   * Adds leaves. The generator must be run to its end; it gives only full tiles and bundles.
   * @throws RangeError when there is not one leaf hash for each entry.
   */
  *append({ leafHashes, entries }: LeafBatch): Generator<TileFile> {
    if (leafHashes.length !== tileBytes(entries.length)) throw new RangeError('not one leaf hash for each entry');
    for (let at = 0; at < entries.length; ) {
      const taken = Math.min(entries.length - at, tileWidth - this.#entries.length);
      for (let index = at; index < at + taken; index++) this.#entries.push(entries[index]!);
      this.#size += taken;
      if (this.#entries.length === tileWidth) {
        yield [entriesPath(this.#size / tileWidth - 1), encodeEntries(this.#entries)];
        this.#entries = [];
      }
      yield* this.#addHashes(0, leafHashes.subarray(tileBytes(at), tileBytes(at + taken)));
      at += taken;
    }
  }

  /** The bundle and the tiles that are not full; to be written after the last append, together with a new checkpoint. */
  *partials(): Generator<TileFile> {
    const width = this.#entries.length;
    if (width > 0) yield [entriesPath(Math.floor(this.#size / tileWidth), width), encodeEntries(this.#entries)];
    for (const [level, tile] of this.#levels.entries()) {
      if (tile.width === 0) continue;
      const index = Math.floor(hashesAtLevel(level, this.#size) / tileWidth);
      yield [tilePath(level, index, tile.width), tile.bytes.slice(0, tileBytes(tile.width))];
    }
  }

  /** Where the log ends now. */
  edge(): TileEdge {
    return {
      size: this.#size,
      entries: [...this.#entries],
      levels: this.#levels.map((tile) => tile.bytes.slice(0, tileBytes(tile.width))),
    };
  }

  /** Adds hashes (never past the end of the tile at level 0) to a level, and a full tile's root to the one above. */
  *#addHashes(level: number, hashes: Uint8Array): Generator<TileFile> {
    this.#levels[level] ??= { bytes: new Uint8Array(tileBytes(tileWidth)), width: 0 };
    const tile = this.#levels[level];
    tile.bytes.set(hashes, tileBytes(tile.width));
    tile.width += hashes.length / hashBytes;
    if (tile.width < tileWidth) return;
    const full = tile.bytes.slice();
    tile.width = 0;
    yield [tilePath(level, hashesAtLevel(level, this.#size) / tileWidth - 1), full];
    yield* this.#addHashes(level + 1, treeRoot(full));
  }
}

/** All files that a log gains by the batches: the full ones as they come, the partial ones last. Returns the new edge. */
export function* growTiles(edge: TileEdge, batches: Iterable<LeafBatch>): Generator<TileFile, TileEdge> {
  const grower = new TileGrower(edge);
  for (const batch of batches) yield* grower.append(batch);
  yield* grower.partials();
  return grower.edge();
}

/**
 * The edge of a stored log.
 * @throws NotariumError `tile-corrupt` with { path } when a partial tile or bundle has the wrong size; what `read` throws.
 */
export async function readEdge(treeSize: number, read: (path: string) => MaybePromise<Uint8Array>): Promise<TileEdge> {
  const entriesWidth = treeSize % tileWidth;
  let entries: Uint8Array[] = [];
  if (entriesWidth > 0) {
    const path = entriesPath(Math.floor(treeSize / tileWidth), entriesWidth);
    entries = decodeEntries(await read(path));
    if (entries.length !== entriesWidth) throw wrongSize(path);
  }
  const levels: Uint8Array[] = [];
  for (let level = 0; hashesAtLevel(level, treeSize) > 0; level++) {
    const hashes = hashesAtLevel(level, treeSize);
    const width = hashes % tileWidth;
    if (width === 0) {
      levels.push(new Uint8Array(0));
      continue;
    }
    const path = tilePath(level, Math.floor(hashes / tileWidth), width);
    const bytes = await read(path);
    if (bytes.length !== tileBytes(width)) throw wrongSize(path);
    levels.push(bytes);
  }
  return { size: treeSize, entries, levels };
}

/** The frontier of a log, from the partial tiles at its edge. */
export function edgeFrontier(edge: TileEdge): Frontier {
  const peaks = onesOf(edge.size).map((level) => {
    const tile = edge.levels[Math.floor(level / tileHeight)]!;
    const height = level % tileHeight;
    // Within its tile a peak follows the peaks above it: those of the higher ones of the tile's width.
    const width = tile.length / hashBytes;
    const begin = Math.floor(width / 2 ** (height + 1)) * 2 ** (height + 1);
    return treeRoot(tile.subarray(tileBytes(begin), tileBytes(begin + 2 ** height)));
  });
  return { size: edge.size, peaks };
}

function edgeMismatch(): RangeError {
  return new RangeError('the edge does not fit its size');
}

function wrongSize(path: string): NotariumError {
  return new NotariumError('tile-corrupt', `${path}: wrong size`, { data: { path } });
}
