import { LRUCache } from 'lru-cache';
import { hexDigits, sameBytes, toHex } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
import { inclusionProof, inclusionProver, type MaybePromise, type NodeReader } from '../core/log/proof.ts';
import { entriesPath, tileHeight, tileWidth, widthOf } from '../core/log/tile.ts';
import { nodeAt, type Pyramid } from '../core/log/tileReader.ts';
import { rootFromInclusion } from '../core/log/verifyProof.ts';
import { hashBytes } from '../core/sha256.ts';
import { nativeSha256 as sha256 } from '../lib/nativeSha256.ts';

/** A record's place in the log and the hash of its entry, as it was read. */
export type Leaf = { readonly leafIndex: number; readonly leafHash: Uint8Array };

/** The tree that a block leads to. */
export type Tree = { readonly treeSize: number; readonly root: string };

/**
 * Inclusion path of a leaf in a block's tree, lower-case hexadecimal from leaf to root. It is checked: a path that does not
 * lead from the leaf to the root does not leave.
 * @throws NotariumError `tile-corrupt` { path, leafIndex }.
 */
export type InclusionPaths = (leaf: Leaf, tree: Tree, logSize: number) => MaybePromise<readonly string[]>;

/** The part of a path above a tile. It was checked together with these very hashes of the tile. */
type Upper = { readonly root: string; readonly tile: WeakRef<Pyramid>; readonly path: readonly string[] };

// About 2 KiB each: those of all tiles of two million records.
const keptUppers = 8192;
const keptProvers = 64;

/**
 * Paths with what they share kept: all leaves of a tile have the same path from the tile to the root. That part is hashed
 * once; for each further leaf it is then enough that its hash is the tile's, as the nodes within a tile are computed from
 * its hashes.
 */
export function inclusionPaths(
  tileAt: (index: number, logSize: number) => MaybePromise<Pyramid>,
  nodeReader: (treeSize: number, logSize: number) => NodeReader,
): InclusionPaths {
  const uppers = new LRUCache<string, Upper>({ max: keptUppers });
  const provers = new LRUCache<number, ReturnType<typeof inclusionProver>>({ max: keptProvers });

  const proverOf = (treeSize: number, logSize: number): ReturnType<typeof inclusionProver> => {
    const kept = provers.get(treeSize);
    if (kept) return kept;
    const prover = inclusionProver(treeSize, nodeReader(treeSize, logSize));
    provers.set(treeSize, prover);
    return prover;
  };

  const checked = async (leaf: Leaf, tree: Tree, logSize: number, tile: Pyramid): Promise<readonly string[]> => {
    const { leafIndex, leafHash } = leaf;
    const { treeSize, root } = tree;
    const lower = lowerPath(tile, leafIndex, treeSize);
    const upper = (await proverOf(treeSize, logSize)(leafIndex)).slice(lower.length);
    const path = [...lower, ...upper];
    const found = rootFromInclusion({ leafHash, leafIndex, treeSize, path }, sha256);
    if (!isLeafOf(tile, leaf) || !found || toHex(found) !== root) {
      // What it has kept of the tree may be what is wrong.
      provers.delete(treeSize);
      throw damaged(leafIndex);
    }
    const known = { root, tile: new WeakRef(tile), path: upper.map(hexDigits) };
    uppers.set(keyOf(leafIndex, treeSize), known);
    return [...lower.map(hexDigits), ...known.path];
  };

  const inTile = (leaf: Leaf, tree: Tree, logSize: number, tile: Pyramid): MaybePromise<readonly string[]> => {
    const { leafIndex } = leaf;
    const { treeSize, root } = tree;
    const known = uppers.get(keyOf(leafIndex, treeSize));
    if (known?.root !== root || known.tile.deref() !== tile) return checked(leaf, tree, logSize, tile);
    if (!isLeafOf(tile, leaf)) throw damaged(leafIndex);
    const path = lowerPath(tile, leafIndex, treeSize).map(hexDigits);
    for (const hash of known.path) path.push(hash);
    return path;
  };

  return (leaf, tree, logSize) => {
    const tile = tileAt(Math.floor(leaf.leafIndex / tileWidth), Math.max(tree.treeSize, logSize));
    return tile instanceof Promise
      ? tile.then((read) => inTile(leaf, tree, logSize, read))
      : inTile(leaf, tree, logSize, tile);
  };
}

function keyOf(leafIndex: number, treeSize: number): string {
  return `${Math.floor(leafIndex / tileWidth)}/${treeSize}`;
}

function isLeafOf([hashes]: Pyramid, { leafIndex, leafHash }: Leaf): boolean {
  const begin = hashBytes * (leafIndex % tileWidth);
  return sameBytes(hashes!.subarray(begin, begin + hashBytes), leafHash);
}

/** The part of the path within the leaf's tile, or within as much of it as the tree has. */
function lowerPath(tile: Pyramid, leafIndex: number, treeSize: number): Uint8Array[] {
  const at = leafIndex % tileWidth;
  const width = widthOf(0, Math.floor(leafIndex / tileWidth), treeSize);
  if (width < tileWidth) {
    const path = inclusionProof(at, width, (level, index) => nodeAt(tile, level, index));
    return path as Uint8Array[];
  }
  // No bit of the position is above the seventh: the sibling on each height is the one that differs in the lowest bit.
  const path: Uint8Array[] = [];
  for (let height = 0; height < tileHeight; height++) path.push(nodeAt(tile, height, (at >> height) ^ 1));
  return path;
}

function damaged(leafIndex: number): NotariumError {
  const path = entriesPath(Math.floor(leafIndex / tileWidth));
  const detail = `${path} or a hash tile above it: they do not lead from entry ${leafIndex} to its block`;
  return new NotariumError('tile-corrupt', detail, { data: { path, leafIndex } });
}
