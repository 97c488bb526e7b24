import { concat, sameBytes } from '../bytes.ts';
import { NotariumError } from '../errors.ts';
import { hashBytes, leafHash, type Sha256, sha256 } from '../sha256.ts';
import { rootOf, treeRoot } from './compactRange.ts';
import { decodeEntries } from './entryBundle.ts';
import { edgeFrontier } from './growTiles.ts';
import type { MaybePromise } from './proof.ts';
import { hashesAtLevel, pathOf, type Tile, tileBytes, tileWidth, widthOf } from './tile.ts';
import { onesOf } from './treeMath.ts';

/** Bytes of a file of the log, or undefined where it is missing. */
export type TileFileReader = (path: string) => MaybePromise<Uint8Array | undefined>;

/**
 * Whether a full tile's hashes lead to the hash that the tile above holds for it.
 * @throws NotariumError `tile-corrupt` with { path }.
 */
export function checkTile(path: string, bytes: Uint8Array, parentHash: Uint8Array): void {
  if (bytes.length % hashBytes !== 0 || !sameBytes(treeRoot(bytes), parentHash)) throw corrupt([path]);
}

/**
 * Checks every tile and bundle of a log against its root, and gives the paths of those that are damaged or missing. A tile
 * is judged by what stands above it; where that is damaged too, by what can be rebuilt from below. Reads each file about
 * once, and holds one tile a level.
 */
export async function damagedTiles(
  log: { readonly size: number; readonly root: Uint8Array; readonly read: TileFileReader },
  hash: Sha256 = sha256,
): Promise<string[]> {
  const check = new TileCheck(log.size, log.read, hash);
  await check.run(log.root);
  return [...check.damaged].sort();
}

/**
 * {@link damagedTiles} for those who need a sound log.
 * @throws NotariumError `tile-corrupt` with { path, paths }.
 */
export async function assertTiles(
  log: { readonly size: number; readonly root: Uint8Array; readonly read: TileFileReader },
  hash: Sha256 = sha256,
): Promise<void> {
  const paths = await damagedTiles(log, hash);
  if (paths.length > 0) throw corrupt(paths);
}

/** One run over a log, from its right edge down. */
class TileCheck {
  readonly damaged = new Set<string>();
  readonly #size: number;
  readonly #read: TileFileReader;
  readonly #hash: Sha256;

  constructor(size: number, read: TileFileReader, hash: Sha256) {
    this.#size = size;
    this.#read = read;
    this.#hash = hash;
  }

  async run(root: Uint8Array): Promise<void> {
    const levels: Tile[] = [];
    for (let level = 0; hashesAtLevel(level, this.#size) > 0; level++) {
      const index = Math.floor(hashesAtLevel(level, this.#size) / tileWidth);
      levels.push({ level, index, width: widthOf(level, index, this.#size) });
    }
    const stored = await Promise.all(levels.map((tile) => this.#hashes(tile)));
    let edge: readonly Hashes[] = stored;
    if (!this.#isEdge(edge, root)) {
      // Some tile at the edge is damaged. Those that what lies below them contradicts are, if that mends the root.
      const rebuilt = await Promise.all(levels.map((tile) => this.#rebuild(tile)));
      edge = this.#mendedEdge(stored, rebuilt, root);
    }
    for (const [at, tile] of levels.entries()) {
      const trusted = edge[at];
      if (tile.width > 0 && !equal(stored[at], trusted)) this.damaged.add(pathOf(tile));
      if (trusted) await this.#checkBelow(tile, trusted);
    }
  }

  /** The edge that leads to the root: stored tiles, as few as possible of them replaced; unknown where none does. */
  #mendedEdge(stored: readonly Hashes[], rebuilt: readonly Hashes[], root: Uint8Array): readonly Hashes[] {
    const choices = Array.from({ length: 2 ** stored.length }, (_, choice) => choice);
    choices.sort((a, b) => onesOf(a).length - onesOf(b).length);
    for (const choice of choices) {
      const mended = stored.map((tile, at) => (onesOf(choice).includes(at) ? rebuilt[at] : tile));
      if (this.#isEdge(mended, root)) return mended;
    }
    return stored.map(() => undefined);
  }

  #isEdge(levels: readonly Hashes[], root: Uint8Array): boolean {
    if (levels.some((hashes) => hashes === undefined)) return false;
    return sameBytes(rootOf(edgeFrontier({ size: this.#size, entries: [], levels: levels as Uint8Array[] })), root);
  }

  /** Given a tile's true hashes, checks the full tiles (at level 0: the bundle) that these stand for. */
  async #checkBelow(tile: Tile, hashes: Uint8Array): Promise<void> {
    if (tile.level === 'entries' || tile.width === 0) return;
    if (tile.level === 0) {
      const bundle: Tile = { ...tile, level: 'entries' };
      if (!equal(await this.#leafHashes(bundle), hashes)) this.damaged.add(pathOf(bundle));
      return;
    }
    for (let at = 0; at < tile.width; at++) {
      const child: Tile = { level: tile.level - 1, index: tileWidth * tile.index + at, width: tileWidth };
      const want = hashes.subarray(tileBytes(at), tileBytes(at + 1));
      let bytes = await this.#hashes(child);
      if (!bytes || !sameBytes(treeRoot(bytes), want)) {
        this.damaged.add(pathOf(child));
        bytes = await this.#rebuild(child);
      }
      if (bytes && sameBytes(treeRoot(bytes), want)) await this.#checkBelow(child, bytes);
      // Nothing below can be judged; at level 0 the bundle is then known to be damaged as well.
      else if (child.level === 0) this.damaged.add(pathOf({ ...child, level: 'entries' }));
    }
  }

  /** What a tile should hold by the files below it; undefined where one of these is missing or has no such form. */
  async #rebuild(tile: Tile): Promise<Hashes> {
    if (tile.width === 0) return new Uint8Array(0);
    if (tile.level === 0) return this.#leafHashes({ ...tile, level: 'entries' });
    const roots: Uint8Array[] = [];
    for (let at = 0; at < tile.width; at++) {
      const child: Tile = { level: (tile.level as number) - 1, index: tileWidth * tile.index + at, width: tileWidth };
      const bytes = await this.#hashes(child);
      if (!bytes) return undefined;
      roots.push(treeRoot(bytes));
    }
    return concat(...roots);
  }

  async #hashes(tile: Tile): Promise<Hashes> {
    if (tile.width === 0) return new Uint8Array(0);
    const bytes = await this.#read(pathOf(tile));
    return bytes?.length === tileBytes(tile.width) ? bytes : undefined;
  }

  async #leafHashes(bundle: Tile): Promise<Hashes> {
    const bytes = await this.#read(pathOf(bundle));
    const entries = bytes && entriesOf(bytes);
    return entries?.length === bundle.width
      ? concat(...entries.map((entry) => leafHash(entry, this.#hash)))
      : undefined;
  }
}

type Hashes = Uint8Array | undefined;

function entriesOf(bundle: Uint8Array): Uint8Array[] | undefined {
  try {
    return decodeEntries(bundle);
  } catch (error) {
    if (error instanceof NotariumError) return undefined;
    throw error;
  }
}

function equal(a: Hashes, b: Hashes): boolean {
  return a !== undefined && b !== undefined && sameBytes(a, b);
}

function corrupt(paths: readonly string[]): NotariumError {
  return new NotariumError('tile-corrupt', paths[0], { data: { path: paths[0], paths: paths.slice(0, 100) } });
}
