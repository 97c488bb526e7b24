import { nodeHash } from '../sha256.ts';
import { appendLeaves, type Frontier, treeRoot } from './compactRange.ts';
import { consistencyProof, type MaybePromise, type NodeReader } from './proof.ts';

/** A tree grown by new leaves, before they are in any tile. */
export type ExtendedTree = {
  readonly frontier: Frontier;
  /** RFC 9162 consistency proof from the tree of size `from` to the new one; empty when that was empty. */
  readonly proof: readonly Uint8Array[];
};

/**
 * Grows a tree by leaf hashes (n * 32 bytes) and proves that the new one continues the one of size `from` (the old one's
 * when left out). `readOld` gives the nodes of the old tree.
 */
export async function extendTree(
  old: Frontier,
  leafHashes: Uint8Array,
  readOld: NodeReader,
  from: number = old.size,
): Promise<ExtendedTree> {
  const frontier = appendLeaves(old, leafHashes);
  const read: NodeReader = (level, index) => nodeOf(level, index, old.size, leafHashes, readOld);
  return { frontier, proof: await consistencyProof(from, frontier.size, read) };
}

/** A complete subtree of the grown tree: an old one, one of new leaves only, or one that joins both. */
function nodeOf(
  level: number,
  index: number,
  oldSize: number,
  leafHashes: Uint8Array,
  readOld: NodeReader,
): MaybePromise<Uint8Array> {
  const begin = index * 2 ** level;
  const end = begin + 2 ** level;
  if (end <= oldSize) return readOld(level, index);
  if (begin >= oldSize) return treeRoot(leafHashes.subarray(32 * (begin - oldSize), 32 * (end - oldSize)));
  const left = nodeOf(level - 1, 2 * index, oldSize, leafHashes, readOld);
  const right = nodeOf(level - 1, 2 * index + 1, oldSize, leafHashes, readOld);
  return Promise.all([left, right]).then(([a, b]) => nodeHash(a, b));
}
