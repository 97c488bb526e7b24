import { emptyRoot, hashBytes, hashNodes, nodeHash, type Sha256, sha256 } from '../sha256.ts';
import { onesOf, shiftRight } from './treeMath.ts';

/**
 * All that is needed to append to a tree and to know its root: the roots of its complete subtrees, largest (leftmost)
 * first, one for each binary one of the size.
 */
export type Frontier = { readonly size: number; readonly peaks: readonly Uint8Array[] };

/** Frontier of a tree without leaves. */
export const emptyFrontier: Frontier = { size: 0, peaks: [] };

// Small enough that a chunk's levels stay in the processor's cache, large enough for the bulk hasher.
const chunkLeaves = 4096;

/**
 * The frontier after more leaves: `leafHashes` holds n * 32 bytes of leaf hashes in order.
 * @throws RangeError when the bytes are not whole hashes, or the tree would exceed 2^53 - 1 leaves.
 */
export function appendLeaves(frontier: Frontier, leafHashes: Uint8Array): Frontier {
  const count = leafHashes.length / hashBytes;
  if (!Number.isInteger(count)) throw new RangeError('not whole 32-byte hashes');
  if (!Number.isSafeInteger(frontier.size + count)) throw new RangeError('the tree would be too large');
  let { size } = frontier;
  const byLevel = peaksByLevel(frontier);
  const scratch = new Uint8Array(hashBytes * Math.min(count + 1, chunkLeaves + 1));
  for (let at = 0; at < count; ) {
    const taken = Math.min(count - at, chunkLeaves - (size % chunkLeaves));
    appendChunk(byLevel, leafHashes.subarray(hashBytes * at, hashBytes * (at + taken)), scratch);
    size += taken;
    at += taken;
  }
  return { size, peaks: byLevel.filter((peak) => peak !== undefined).reverse() };
}

/** Root of a tree (RFC 9162 section 2.1.1). */
export function rootOf(frontier: Frontier, hash: Sha256 = sha256): Uint8Array {
  const { peaks } = frontier;
  return peaks.length === 0 ? emptyRoot : peaks.reduceRight((right, peak) => nodeHash(peak, right, hash));
}

/** Root of the tree over n * 32 bytes of leaf hashes. */
export function treeRoot(leafHashes: Uint8Array): Uint8Array {
  return rootOf(appendLeaves(emptyFrontier, leafHashes));
}

function peaksByLevel({ size, peaks }: Frontier): (Uint8Array | undefined)[] {
  const levels = onesOf(size);
  if (levels.length !== peaks.length) throw new RangeError('the peaks do not fit the size');
  const byLevel: (Uint8Array | undefined)[] = [];
  levels.forEach((level, at) => {
    byLevel[level] = peaks[at];
  });
  // Holes in a sparse array would be skipped by filter and reverse alike, but not by index arithmetic.
  return Array.from(byLevel);
}

/** Level by level: a peak waiting at the level goes in front, pairs go up, an odd one out becomes the waiting peak. */
function appendChunk(byLevel: (Uint8Array | undefined)[], leafHashes: Uint8Array, scratch: Uint8Array): void {
  let nodes = leafHashes;
  for (let level = 0; nodes.length > 0; level++) {
    const waiting = byLevel[level];
    if (waiting) nodes = prepend(waiting, nodes, scratch);
    const paired = shiftRight(nodes.length, 6) * 64;
    byLevel[level] = paired < nodes.length ? nodes.slice(paired) : undefined;
    nodes = hashNodes(nodes.subarray(0, paired), scratch.subarray(0, paired / 2));
  }
}

function prepend(first: Uint8Array, rest: Uint8Array, scratch: Uint8Array): Uint8Array {
  const whole = scratch.subarray(0, first.length + rest.length);
  // `rest` may itself lie at the start of the scratch space: move it before writing in front of it.
  whole.set(rest, first.length);
  whole.set(first, 0);
  return whole;
}
