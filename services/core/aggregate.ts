import { fromHex, hexDigits } from './bytes.ts';
import { appendLeaves, emptyFrontier, rootOf } from './log/compactRange.ts';
import { memoryTree } from './log/memoryTree.ts';
import { verifyInclusion } from './log/verifyProof.ts';
import { hashBytes, hashLeafDigests, leafHash, type Sha256, sha256 } from './sha256.ts';

/** An aggregate over many content digests: one record for all of them, and a proof for each. */
export type Aggregate = {
  /** 32 bytes: the `digest` of the aggregate's record. */
  readonly root: Uint8Array;
  /** `meta.count` of the record. */
  readonly count: number;
  /**
   * Inner path of the member, 64 hexadecimal digits an item, from leaf to root.
   * @throws RangeError when there is no such member.
   */
  readonly proofOf: (index: number) => string[];
};

// A chunk of leaf hashes is used while it is still in the processor's cache.
const chunkBytes = hashBytes * 4096;

/** Proof that a content is a member of an aggregate, as a receipt carries it. */
export type InnerProof = { readonly leafIndex: number; readonly treeSize: number; readonly path: readonly string[] };

/**
 * Root over n * 32 bytes of content digests (SHA-256 each): RFC 9162 with leaves SHA-256(0x00 || digest). Keeps nothing.
 * @throws RangeError for no digest at all, or bytes that are not whole digests.
 */
export function aggregateRoot(digests: Uint8Array): Uint8Array {
  requireDigests(digests);
  let frontier = emptyFrontier;
  for (let at = 0; at < digests.length; at += chunkBytes) {
    frontier = appendLeaves(frontier, hashLeafDigests(digests.subarray(at, at + chunkBytes)));
  }
  return rootOf(frontier);
}

/**
 * Builds an aggregate that can prove each of its members; holds about 64 bytes a member.
 * @throws RangeError for no digest at all, or bytes that are not whole digests.
 */
export function buildAggregate(digests: Uint8Array): Aggregate {
  requireDigests(digests);
  const tree = memoryTree(hashLeafDigests(digests));
  return { root: tree.root, count: tree.size, proofOf: (index) => tree.path(index).map(hexDigits) };
}

/** Whether the inner proof leads from the content's digest (32 bytes) to the aggregate's root. */
export function verifyInnerProof(
  digest: Uint8Array,
  inner: InnerProof,
  root: Uint8Array,
  hash: Sha256 = sha256,
): boolean {
  if (digest.length !== hashBytes) return false;
  const { leafIndex, treeSize } = inner;
  const path = inner.path.map(fromHex);
  return verifyInclusion({ leafHash: leafHash(digest, hash), leafIndex, treeSize, path, root }, hash);
}

function requireDigests(digests: Uint8Array): void {
  if (digests.length === 0 || digests.length % hashBytes !== 0) throw new RangeError('not n * 32 bytes of digests');
}
