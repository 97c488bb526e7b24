import { emptyRoot, nodeHash } from '../sha256.ts';
import { requireUint, shiftRight, splitLevel } from './treeMath.ts';

/** A value, or a promise of it. */
export type MaybePromise<T> = T | Promise<T>;

/**
 * Gives the hash of a complete subtree: the one over the leaves index * 2^level to (index + 1) * 2^level - 1; level 0 are
 * the leaf hashes.
 */
export type NodeReader = (level: number, index: number) => MaybePromise<Uint8Array>;

type NodeRef = { readonly level: number; readonly index: number };
/** Adjacent complete subtrees from left to right, of falling size: together one node of the proof. */
type ProofItem = readonly NodeRef[];

/**
 * The path that proves the leaf `index` to be in the tree of the given size (RFC 9162 section 2.1.3.1), from leaf to root.
 * @throws RangeError when the index is not in the tree.
 */
export function inclusionProof(index: number, size: number, read: NodeReader): MaybePromise<Uint8Array[]> {
  return inclusionProver(size, read)(index);
}

/**
 * inclusionProof for many leaves of one tree: what all paths share, the incomplete subtree at the right edge, is hashed
 * only once.
 */
export function inclusionProver(size: number, read: NodeReader): (index: number) => MaybePromise<Uint8Array[]> {
  const edges = new Map<number, Uint8Array>();
  const foldEdge: Fold = (item, hashes) => {
    const begin = item[0]!.index * 2 ** item[0]!.level;
    const known = edges.get(begin) ?? fold(item, hashes);
    edges.set(begin, known);
    return known;
  };
  return (index) => readItems(planInclusion(index, size), read, foldEdge);
}

/**
 * The proof that the tree of size `from` is the beginning of the one of size `to` (RFC 9162 section 2.1.4.1).
 * Empty for from = 0 and from = to.
 * @throws RangeError when from > to.
 */
export function consistencyProof(from: number, to: number, read: NodeReader): MaybePromise<Uint8Array[]> {
  return readItems(planConsistency(from, to), read);
}

/** Root of the tree of the given size, from its nodes. */
export function rootFromNodes(size: number, read: NodeReader): MaybePromise<Uint8Array> {
  requireUint(size, 'size');
  if (size === 0) return emptyRoot;
  const items = readItems([cover(0, size)], read);
  return items instanceof Promise ? items.then(([root]) => root!) : items[0]!;
}

function planInclusion(index: number, size: number): ProofItem[] {
  requireUint(index, 'index');
  requireUint(size, 'size');
  if (index >= size) throw new RangeError('the index is not in the tree');
  const items: ProofItem[] = [];
  let begin = 0;
  let end = size;
  while (end - begin > 1) {
    const middle = begin + 2 ** splitLevel(end - begin);
    if (index < middle) {
      items.push(cover(middle, end));
      end = middle;
    } else {
      items.push(cover(begin, middle));
      begin = middle;
    }
  }
  return items.reverse();
}

function planConsistency(from: number, to: number): ProofItem[] {
  requireUint(from, 'from');
  requireUint(to, 'to');
  if (from > to) throw new RangeError('from is larger than to');
  if (from === 0 || from === to) return [];
  const items: ProofItem[] = [];
  let begin = 0;
  let end = to;
  while (end !== from) {
    const middle = begin + 2 ** splitLevel(end - begin);
    if (from <= middle) {
      items.push(cover(middle, end));
      end = middle;
    } else {
      items.push(cover(begin, middle));
      begin = middle;
    }
  }
  // A subtree that begins at the first leaf is the old tree itself, whose root the verifier has.
  if (begin > 0) items.push(cover(begin, end));
  return items.reverse();
}

/** The complete subtrees that make up the leaves from begin to end; begin is a multiple of the first one's size. */
function cover(begin: number, end: number): NodeRef[] {
  const nodes: NodeRef[] = [];
  let at = begin;
  while (at < end) {
    const level = splitLevel(end - at + 1);
    nodes.push({ level, index: shiftRight(at, level) });
    at += 2 ** level;
  }
  return nodes;
}

type Fold = (item: ProofItem, hashes: readonly Uint8Array[]) => Uint8Array;

const fold: Fold = (_item, hashes) => hashes.reduceRight((right, left) => nodeHash(left, right));

function readItems(items: readonly ProofItem[], read: NodeReader, foldEdge = fold): MaybePromise<Uint8Array[]> {
  const nodes = items.map((item) => item.map(({ level, index }) => read(level, index)));
  const finish = (item: ProofItem, hashes: readonly Uint8Array[]): Uint8Array =>
    hashes.length === 1 ? hashes[0]! : foldEdge(item, hashes);
  // Where all nodes are at hand (tiles in memory), nothing waits: thousands of receipts a second depend on it.
  if (nodes.every((hashes) => hashes.every((hash) => hash instanceof Uint8Array))) {
    return nodes.map((hashes, at) => finish(items[at]!, hashes as Uint8Array[]));
  }
  return Promise.all(nodes.map(async (hashes, at) => finish(items[at]!, await Promise.all(hashes))));
}
