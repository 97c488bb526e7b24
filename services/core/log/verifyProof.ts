import { sameBytes } from '../bytes.ts';
import { emptyRoot, hashBytes, type Sha256, sha256 } from '../sha256.ts';
import { isOdd } from './treeMath.ts';

/** What an inclusion proof says; sizes and indexes up to 2^53 - 1. */
export type Inclusion = {
  readonly leafHash: Uint8Array;
  readonly leafIndex: number;
  readonly treeSize: number;
  /** From leaf to root. */
  readonly path: readonly Uint8Array[];
};

/** More hashes than any proof of a tree below 2^53 leaves has. */
export const maxProofHashes = 64;

/**
 * Root that an inclusion proof leads to (RFC 9162 section 2.1.3.2), or undefined when no tree of that size has a proof of
 * this form for that leaf.
 */
export function rootFromInclusion(inclusion: Inclusion, hash: Sha256 = sha256): Uint8Array | undefined {
  const { leafIndex, treeSize, path, leafHash } = inclusion;
  if (!isUint(leafIndex) || !isUint(treeSize) || leafIndex >= treeSize) return undefined;
  if (!areHashes(path) || leafHash.length !== hashBytes) return undefined;
  const node = nodeHasher(hash);
  let index = leafIndex;
  let last = treeSize - 1;
  let root = leafHash;
  for (const sibling of path) {
    if (last === 0) return undefined;
    if (isOdd(index) || index === last) {
      root = node(sibling, root);
      while (!isOdd(index) && index !== 0) {
        index /= 2;
        last = Math.floor(last / 2);
      }
    } else {
      root = node(root, sibling);
    }
    index = Math.floor(index / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 ? root : undefined;
}

/** Whether the proof shows the leaf to be in the tree with that root. */
export function verifyInclusion(inclusion: Inclusion & { readonly root: Uint8Array }, hash: Sha256 = sha256): boolean {
  const root = rootFromInclusion(inclusion, hash);
  return root !== undefined && sameBytes(root, inclusion.root);
}

/**
 * Whether the proof shows the tree of size `from` to be the beginning of the one of size `to` (RFC 9162 section 2.1.4.2).
 * The empty tree is the beginning of every tree; its proof, and that of two equal sizes, is empty.
 */
export function verifyConsistency(
  from: number,
  to: number,
  fromRoot: Uint8Array,
  toRoot: Uint8Array,
  proof: readonly Uint8Array[],
  hash: Sha256 = sha256,
): boolean {
  if (!isUint(from) || !isUint(to) || from > to || !areHashes(proof)) return false;
  if (from === to) {
    return proof.length === 0 && sameBytes(fromRoot, toRoot) && (from > 0 || sameBytes(fromRoot, emptyRoot));
  }
  if (from === 0) return proof.length === 0 && sameBytes(fromRoot, emptyRoot);
  return walkConsistency(from, to, fromRoot, toRoot, proof, nodeHasher(hash));
}

function walkConsistency(
  from: number,
  to: number,
  fromRoot: Uint8Array,
  toRoot: Uint8Array,
  proof: readonly Uint8Array[],
  node: NodeHasher,
): boolean {
  let index = from - 1;
  let last = to - 1;
  while (isOdd(index)) {
    index = Math.floor(index / 2);
    last = Math.floor(last / 2);
  }
  // index = 0 now means that `from` is a power of two: the old root is itself the first node.
  const nodes = index === 0 ? [fromRoot, ...proof] : proof;
  const first = nodes[0];
  if (first === undefined) return false;
  let fromHash = first;
  let toHash = first;
  for (const sibling of nodes.slice(1)) {
    if (last === 0) return false;
    if (isOdd(index) || index === last) {
      fromHash = node(sibling, fromHash);
      toHash = node(sibling, toHash);
      while (!isOdd(index) && index !== 0) {
        index /= 2;
        last = Math.floor(last / 2);
      }
    } else {
      toHash = node(toHash, sibling);
    }
    index = Math.floor(index / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && sameBytes(fromHash, fromRoot) && sameBytes(toHash, toRoot);
}

type NodeHasher = (left: Uint8Array, right: Uint8Array) => Uint8Array;

/** One message buffer for the whole walk: the hasher has read it when it returns. */
function nodeHasher(hash: Sha256): NodeHasher {
  const message = new Uint8Array(1 + 2 * hashBytes);
  message[0] = 1;
  return (left, right) => {
    message.set(left, 1);
    message.set(right, 1 + hashBytes);
    return hash(message);
  };
}

function isUint(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function areHashes(path: readonly Uint8Array[]): boolean {
  return path.length <= maxProofHashes && path.every((hash) => hash.length === hashBytes);
}
