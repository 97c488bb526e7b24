import { hash } from 'node:crypto';

// RFC 9162 section 2.1 word for word, slow and recursive: what the log's code is compared with.

/** SHA-256 of the parts one after the other. */
export function sha256Of(...parts: (Uint8Array | number[])[]): Uint8Array {
  return new Uint8Array(hash('sha256', Buffer.concat(parts.map((part) => Buffer.from(part))), 'buffer'));
}

/** Leaf hashes of `count` distinct entries. */
export function leavesOf(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => sha256Of([0], Buffer.from(`entry ${index}`)));
}

function split(count: number): number {
  let k = 1;
  while (2 * k < count) k *= 2;
  return k;
}

/** MTH over leaf hashes. */
export function rootOfLeaves(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha256Of();
  if (leaves.length === 1) return leaves[0]!;
  const k = split(leaves.length);
  return sha256Of([1], rootOfLeaves(leaves.slice(0, k)), rootOfLeaves(leaves.slice(k)));
}

/** PATH(m, D_n). */
export function pathOfLeaf(index: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  if (leaves.length === 1) return [];
  const k = split(leaves.length);
  return index < k
    ? [...pathOfLeaf(index, leaves.slice(0, k)), rootOfLeaves(leaves.slice(k))]
    : [...pathOfLeaf(index - k, leaves.slice(k)), rootOfLeaves(leaves.slice(0, k))];
}

/** PROOF(m, D_n). */
export function proofOfGrowth(from: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  return from === 0 || from === leaves.length ? [] : subproof(from, leaves, true);
}

function subproof(from: number, leaves: readonly Uint8Array[], isWhole: boolean): Uint8Array[] {
  if (from === leaves.length) return isWhole ? [] : [rootOfLeaves(leaves)];
  const k = split(leaves.length);
  return from <= k
    ? [...subproof(from, leaves.slice(0, k), isWhole), rootOfLeaves(leaves.slice(k))]
    : [...subproof(from - k, leaves.slice(k), false), rootOfLeaves(leaves.slice(0, k))];
}

/** Reader of complete subtrees straight from the leaves. */
export function readerOf(leaves: readonly Uint8Array[]): (level: number, index: number) => Uint8Array {
  return (level, index) => {
    const subtree = leaves.slice(index * 2 ** level, (index + 1) * 2 ** level);
    if (subtree.length !== 2 ** level) throw new RangeError('no complete subtree');
    return rootOfLeaves(subtree);
  };
}

/** Copy with one bit of a byte flipped. */
export function flipped(bytes: Uint8Array, at: number, bit = 0): Uint8Array {
  const copy = bytes.slice();
  copy[at]! ^= 1 << bit;
  return copy;
}
