import { LRUCache } from 'lru-cache';
import { NotariumError } from '../core/errors.ts';
import { encodeEntries } from '../core/log/entryBundle.ts';
import type { NodeReader } from '../core/log/proof.ts';
import { entriesPath, placeOf, tileBytes, tilePath, tileWidth, widthOf } from '../core/log/tile.ts';
import { tileNodeReader } from '../core/log/tileReader.ts';
import { hashBytes } from '../core/sha256.ts';
import { type LogFiles, tileCorrupt } from './logFiles.ts';
import { readBundle } from './walkLog.ts';

/** Reads the committed log. Full files never change, so what was read once is kept, within bounds. */
export type LogReader = {
  /** @throws NotariumError `tile-not-found`, `tile-corrupt`. */
  entry(leafIndex: number, logSize: number): Promise<Uint8Array>;
  tile(level: number | 'entries', index: number, width: number, logSize: number): Promise<Uint8Array | undefined>;
  nodeReader(treeSize: number): NodeReader;
  /** Forgets everything: after files were mended. */
  clear(): void;
};

/** A bundle cut into entries. */
type Bundle = { readonly entries: readonly Uint8Array[]; readonly sizeBytes: number };

// 16 KiB each: all tiles of a million records.
const cachedTiles = 4096;
// 1 KiB each: those of two million records.
const cachedOffsets = 8192;

/** A reader that keeps up to `cacheBytes` of entry bundles, and a fixed number of tiles. */
export function logReader(files: LogFiles, cacheBytes: number): LogReader {
  const bundles = new LRUCache<string, Bundle>({
    maxSize: Math.max(cacheBytes, 1),
    sizeCalculation: (bundle) => bundle.sizeBytes + 256 * 32,
  });
  /** Where each entry of a full bundle begins: enough to read one of them without the others. */
  const offsets = new LRUCache<string, Uint32Array>({ max: cachedOffsets });
  const loading = new Map<string, Promise<Bundle>>();

  const bundle = (index: number, width: number): Bundle | Promise<Bundle> => {
    const path = entriesPath(index, width);
    const kept = bundles.get(path);
    if (kept) return kept;
    // Many readers of one bundle read it once.
    const running = loading.get(path);
    if (running) return running;
    const reading = (async (): Promise<Bundle> => {
      try {
        const entries = await readBundle(files, index, width);
        const read = { entries, sizeBytes: entries.reduce((sum, entry) => sum + entry.length, 0) };
        bundles.set(path, read);
        if (files.parts && width === tileWidth) offsets.set(path, offsetsOf(entries));
        return read;
      } finally {
        loading.delete(path);
      }
    })();
    loading.set(path, reading);
    return reading;
  };

  const entryAt = async (path: string, begins: Uint32Array, at: number): Promise<Uint8Array> => {
    const sizeBytes = begins[at + 1]! - begins[at]! - 2;
    const part = await files.parts!.read(path, begins[at]!, 2 + sizeBytes).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') throw tileCorrupt(path, 'it is missing');
      throw error;
    });
    if (part.length !== 2 + sizeBytes || (part[0]! << 8) + part[1]! !== sizeBytes) {
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

  const newFullNodes = (): NodeReader => tileNodeReader(hashTile, Number.MAX_SAFE_INTEGER, { cachedTiles });
  let fullNodes = newFullNodes();
  let edges = new Map<number, NodeReader>();

  return {
    entry(leafIndex, logSize) {
      const index = Math.floor(leafIndex / tileWidth);
      const width = widthOf('entries', index, logSize);
      if (!Number.isSafeInteger(leafIndex) || leafIndex < 0 || leafIndex >= logSize) {
        return Promise.reject(new NotariumError('tile-not-found', `no entry ${leafIndex} in a log of ${logSize}`));
      }
      const path = entriesPath(index, width);
      const begins = bundles.has(path) ? undefined : offsets.get(path);
      if (begins) return entryAt(path, begins, leafIndex % tileWidth);
      const read = bundle(index, width);
      return read instanceof Promise
        ? read.then(({ entries }) => entries[leafIndex % tileWidth]!)
        : Promise.resolve(read.entries[leafIndex % tileWidth]!);
    },
    async tile(level, index, width, logSize) {
      if (width < 1 || width > tileWidth || widthOf(level, index, logSize) < width) return undefined;
      if (level !== 'entries') return hashTile(level, index, width);
      const { entries } = await bundle(index, width);
      return encodeEntries(entries);
    },
    nodeReader(treeSize) {
      let edge = edges.get(treeSize);
      if (!edge) {
        // Only the right edge depends on the size; old sizes are asked for rarely.
        edge = tileNodeReader(hashTile, treeSize, { cachedTiles: 8 });
        if (edges.size >= 16) edges.delete(edges.keys().next().value!);
        edges.set(treeSize, edge);
      }
      const own = edge;
      return (level, index) => {
        const { tileLevel, tileIndex } = placeOf(level, index);
        return widthOf(tileLevel, tileIndex, treeSize) === tileWidth ? fullNodes(level, index) : own(level, index);
      };
    },
    clear() {
      bundles.clear();
      offsets.clear();
      files.parts?.clear();
      fullNodes = newFullNodes();
      edges = new Map();
    },
  };
}

function offsetsOf(entries: readonly Uint8Array[]): Uint32Array {
  const begins = new Uint32Array(entries.length + 1);
  for (const [at, entry] of entries.entries()) begins[at + 1] = begins[at]! + 2 + entry.length;
  return begins;
}
