import { LRUCache } from 'lru-cache';
import { NotariumError } from '../core/errors.ts';
import type { MaybePromise, NodeReader } from '../core/log/proof.ts';
import { entriesPath, tileBytes, tilePath, tileWidth, widthOf } from '../core/log/tile.ts';
import { type Pyramid, pyramidNodeReader, pyramidReader } from '../core/log/tileReader.ts';
import { hashBytes } from '../core/sha256.ts';
import { type InclusionPaths, inclusionPaths } from './inclusionPaths.ts';
import { type LogFiles, tileCorrupt } from './logFiles.ts';
import { type BundleBytes, readBundleBytes } from './walkLog.ts';

/** Reads the committed log. Full files never change, so what was read once is kept, within bounds. */
export type LogReader = {
  /** @throws NotariumError `tile-not-found`, `tile-corrupt`. */
  entry(leafIndex: number, logSize: number): MaybePromise<Uint8Array>;
  tile(level: number | 'entries', index: number, width: number, logSize: number): Promise<Uint8Array | undefined>;
  nodeReader(treeSize: number, logSize: number): NodeReader;
  readonly inclusionPath: InclusionPaths;
  /** Forgets everything: after files were mended, or the log was taken back. */
  clear(): void;
};

// 10 KiB each: all tiles of a million records.
const cachedTiles = 4096;
// 1 KiB each: those of two million records.
const cachedOffsets = 8192;

/** A reader that keeps up to `cacheBytes` of entry bundles, and a fixed number of tiles. */
export function logReader(files: LogFiles, cacheBytes: number): LogReader {
  const bundles = new LRUCache<string, BundleBytes>({
    maxSize: Math.max(cacheBytes, 1),
    sizeCalculation: ({ bytes, begins }) => bytes.length + begins.byteLength,
  });
  /** Where each entry of a full bundle begins: enough to read one of them without the others. */
  const offsets = new LRUCache<number, Uint32Array>({ max: cachedOffsets });
  let loading = new Map<string, Promise<BundleBytes>>();

  const bundle = (index: number, width: number): MaybePromise<BundleBytes> => {
    const path = entriesPath(index, width);
    const kept = bundles.get(path);
    if (kept) return kept;
    // Many readers of one bundle read it once.
    const mine = loading;
    const running = mine.get(path);
    if (running) return running;
    const reading = (async (): Promise<BundleBytes> => {
      try {
        const read = await readBundleBytes(files, index, width);
        // What was begun before everything was forgotten is not kept.
        if (loading !== mine) return read;
        bundles.set(path, read);
        if (files.parts && width === tileWidth) offsets.set(index, read.begins);
        return read;
      } finally {
        mine.delete(path);
      }
    })();
    mine.set(path, reading);
    return reading;
  };

  const entryAt = async (path: string, begins: Uint32Array, at: number): Promise<Uint8Array> => {
    const sizeBytes = begins[at + 1]! - begins[at]!;
    const part = await files.parts!.read(path, begins[at]!, sizeBytes).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') throw tileCorrupt(path, 'it is missing');
      throw error;
    });
    if (part.length !== sizeBytes || (part[0]! << 8) + part[1]! !== sizeBytes - 2) {
      throw tileCorrupt(path, 'it has changed');
    }
    return part.subarray(2);
  };

  const hashTile = async (level: number, index: number, width: number): Promise<Uint8Array> => {
    const path = tilePath(level, index, width);
    const bytes = await files.readTile({ level, index, width });
    if (!bytes) throw tileCorrupt(path, 'it is missing');
    if (bytes.length < tileBytes(width) || bytes.length % hashBytes !== 0) throw tileCorrupt(path, 'wrong size');
    return bytes.subarray(0, tileBytes(width));
  };

  let full = pyramidReader(hashTile, cachedTiles);
  // Those at the right edge of the log as it is: one on each level.
  let edge = { size: 0, pyramids: pyramidReader(hashTile, 0) };

  // A complete subtree is the same in every larger tree: old trees are read from the tiles of the present log.
  const pyramidsIn = (size: number) => {
    if (edge.size !== size) edge = { size, pyramids: pyramidReader(hashTile, 8) };
    const own = edge.pyramids;
    return (level: number, index: number): MaybePromise<Pyramid> => {
      const width = widthOf(level, index, size);
      return width === tileWidth ? full(level, index, width) : own(level, index, width);
    };
  };
  const nodeReader: LogReader['nodeReader'] = (treeSize, logSize) =>
    pyramidNodeReader(pyramidsIn(Math.max(treeSize, logSize)), treeSize);
  const newInclusionPaths = (): InclusionPaths =>
    inclusionPaths((index, logSize) => pyramidsIn(logSize)(0, index), nodeReader);
  let paths = newInclusionPaths();

  return {
    entry(leafIndex, logSize) {
      const index = Math.floor(leafIndex / tileWidth);
      const width = widthOf('entries', index, logSize);
      if (!Number.isSafeInteger(leafIndex) || leafIndex < 0 || leafIndex >= logSize) {
        return Promise.reject(new NotariumError('tile-not-found', `no entry ${leafIndex} in a log of ${logSize}`));
      }
      const path = entriesPath(index, width);
      const begins = width < tileWidth || bundles.has(path) ? undefined : offsets.get(index);
      if (begins) return entryAt(path, begins, leafIndex % tileWidth);
      const read = bundle(index, width);
      return read instanceof Promise
        ? read.then((loaded) => entryOf(loaded, leafIndex % tileWidth))
        : entryOf(read, leafIndex % tileWidth);
    },
    async tile(level, index, width, logSize) {
      if (width < 1 || width > tileWidth || widthOf(level, index, logSize) < width) return undefined;
      return level === 'entries' ? (await bundle(index, width)).bytes : hashTile(level, index, width);
    },
    nodeReader,
    inclusionPath: (leaf, block, logSize) => paths(leaf, block, logSize),
    clear() {
      loading = new Map();
      bundles.clear();
      offsets.clear();
      files.parts?.clear();
      full = pyramidReader(hashTile, cachedTiles);
      edge = { size: 0, pyramids: pyramidReader(hashTile, 0) };
      paths = newInclusionPaths();
    },
  };
}

function entryOf({ bytes, begins }: BundleBytes, at: number): Uint8Array {
  return bytes.subarray(begins[at]! + 2, begins[at + 1]!);
}
