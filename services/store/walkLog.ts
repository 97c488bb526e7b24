import type { BlockHeader } from '../core/block.ts';
import { hexDigits, sameBytes } from '../core/bytes.ts';
import { appendLeaves, emptyFrontier, rootOf } from '../core/log/compactRange.ts';
import { entryOffsets } from '../core/log/entryBundle.ts';
import { type TileFile, TileGrower } from '../core/log/growTiles.ts';
import { entriesPath, tileWidth } from '../core/log/tile.ts';
import { leafHash } from '../core/sha256.ts';
import { nativeSha256 as sha256 } from '../lib/nativeSha256.ts';
import { type LogFiles, tileCorrupt } from './logFiles.ts';
import type { Progress } from './Store.ts';

/** A bundle that differs from what the hash tiles say, and the hash tiles that differ from what the entries say. */
type Doubts = { bundle: string | undefined; readonly tiles: TileFile[] };

/**
 * Reads a log from its entries, makes every hash tile anew and compares both with what is stored and with the blocks'
 * roots. `onDamaged` gets each wrong or missing hash tile with its right bytes, once a block's root has shown that the
 * entries are right.
 * @throws NotariumError `tile-corrupt` { path } for entries that do not lead to a block's root.
 */
export async function walkLog(
  files: LogFiles,
  headers: readonly BlockHeader[],
  onDamaged: (tile: TileFile) => Promise<void>,
  onProgress?: Progress,
): Promise<void> {
  const total = headers.at(-1)?.treeSize ?? 0;
  const grower = new TileGrower();
  const doubts: Doubts = { bundle: undefined, tiles: [] };
  let frontier = emptyFrontier;
  let next = 0;
  for (let first = 0; first < total; first += tileWidth) {
    const index = first / tileWidth;
    const entries = await readBundle(files, index, Math.min(tileWidth, total - first));
    const leafHashes = new Uint8Array(32 * entries.length);
    entries.forEach((entry, at) => {
      leafHashes.set(leafHash(entry, sha256), 32 * at);
    });
    await compare(files, grower.append({ leafHashes, entries }), doubts);
    for (let taken = 0; taken < entries.length; ) {
      const upTo = Math.min(entries.length, headers[next]!.treeSize - first);
      frontier = appendLeaves(frontier, leafHashes.subarray(32 * taken, 32 * upTo));
      taken = upTo;
      if (frontier.size < headers[next]!.treeSize) break;
      if (`0x${hexDigits(rootOf(frontier))}` !== headers[next]!.root) {
        const path = doubts.bundle ?? entriesPath(index, entries.length);
        throw tileCorrupt(path, `the entries do not lead to the root of block ${headers[next]!.height}`);
      }
      next++;
      // A tile that reaches beyond the block waits for the next root.
      if (taken === entries.length) await settle(doubts, onDamaged);
    }
    onProgress?.(Math.min(first + tileWidth, total), total);
  }
  await compare(files, grower.partials(), doubts);
  await settle(doubts, onDamaged);
}

async function compare(files: LogFiles, made: Iterable<TileFile>, doubts: Doubts): Promise<void> {
  for (const tile of made) {
    const [path, bytes] = tile;
    // Bundles were just read; whether they are right is for the roots to say.
    if (path.startsWith('tile/entries/')) continue;
    const stored = await files.read(path);
    if (stored && sameBytes(stored, bytes)) continue;
    if (stored && path.startsWith('tile/0/')) doubts.bundle ??= path.replace('tile/0/', 'tile/entries/');
    doubts.tiles.push(tile);
  }
}

async function settle(doubts: Doubts, onDamaged: (tile: TileFile) => Promise<void>): Promise<void> {
  for (const tile of doubts.tiles.splice(0)) await onDamaged(tile);
  doubts.bundle = undefined;
}

/** Entries of a bundle; its partial version, or the beginning of a wider one. */
export async function readBundle(files: LogFiles, index: number, width: number): Promise<Uint8Array[]> {
  const { bytes, begins } = await readBundleBytes(files, index, width);
  return Array.from({ length: width }, (_, at) => bytes.subarray(begins[at]! + 2, begins[at + 1]!));
}

/** A bundle as it is stored, and where its entries begin. */
export type BundleBytes = { readonly bytes: Uint8Array; readonly begins: Uint32Array };

/** As {@link readBundle}; without what a wider version has more. */
export async function readBundleBytes(files: LogFiles, index: number, width: number): Promise<BundleBytes> {
  const path = entriesPath(index, width);
  const bytes = await files.readTile({ level: 'entries', index, width });
  if (!bytes) throw tileCorrupt(path, 'it is missing');
  let begins: Uint32Array;
  try {
    begins = entryOffsets(bytes);
  } catch {
    // Core names no path: say which file it is.
    throw tileCorrupt(path, 'not an entry bundle');
  }
  if (begins.length <= width) throw tileCorrupt(path, 'entries are missing');
  return { bytes: bytes.subarray(0, begins[width]!), begins: begins.subarray(0, width + 1) };
}

/** Whether the entries up to a size of the log are there, as far as the last file tells. */
export async function reaches(files: LogFiles, treeSize: number): Promise<boolean> {
  const width = treeSize % tileWidth || tileWidth;
  const index = Math.ceil(treeSize / tileWidth) - 1;
  return (await files.readTile({ level: 'entries', index, width })) !== undefined;
}
