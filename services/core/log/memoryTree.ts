import { emptyRoot, hashBytes, hashNodes } from '../sha256.ts';

/** A whole tree in memory (64 bytes a leaf), for proofs of any of its leaves. */
export type MemoryTree = {
  readonly size: number;
  readonly root: Uint8Array;
  /**
   * Inclusion path of a leaf, from leaf to root.
   * @throws RangeError when the index is not in the tree.
   */
  path(index: number): Uint8Array[];
};

/**
 * Builds the tree over n * 32 bytes of leaf hashes. On each level a last node without partner goes up as it is: the same
 * tree as that of RFC 9162, where a path simply leaves such levels out.
 */
export function memoryTree(leafHashes: Uint8Array): MemoryTree {
  const size = leafHashes.length / hashBytes;
  if (!Number.isInteger(size)) throw new RangeError('not whole 32-byte hashes');
  const levels = [leafHashes];
  for (let nodes = leafHashes; nodes.length > hashBytes; ) {
    nodes = levelAbove(nodes);
    levels.push(nodes);
  }
  return {
    size,
    root: size === 0 ? emptyRoot : levels.at(-1)!.slice(),
    path(index) {
      if (!Number.isInteger(index) || index < 0 || index >= size) throw new RangeError('the index is not in the tree');
      const path: Uint8Array[] = [];
      let at = index;
      for (const nodes of levels) {
        const sibling = hashBytes * (at % 2 === 0 ? at + 1 : at - 1);
        if (sibling < nodes.length) path.push(nodes.slice(sibling, sibling + hashBytes));
        at = Math.floor(at / 2);
      }
      return path;
    },
  };
}

function levelAbove(nodes: Uint8Array): Uint8Array {
  const paired = nodes.length - (nodes.length % (2 * hashBytes));
  const above = new Uint8Array(paired / 2 + (nodes.length - paired));
  hashNodes(nodes.subarray(0, paired), above.subarray(0, paired / 2));
  above.set(nodes.subarray(paired), paired / 2);
  return above;
}
