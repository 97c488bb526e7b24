/**
 * The definitions of RFC 9162, sections 2.1.1, 2.1.3.1 and 2.1.4.1, written down as they stand there: slow, obvious,
 * and independent of both the contracts and services/core.
 */
import { createHash } from 'node:crypto';

const sha256 = (...parts: Uint8Array[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** Hash of an entry as a leaf. */
export const leafHashOf = (entry: Uint8Array): Buffer => sha256(Uint8Array.of(0), entry);

const nodeHashOf = (left: Uint8Array, right: Uint8Array): Buffer => sha256(Uint8Array.of(1), left, right);

/** k: the largest power of two smaller than n. */
function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

export const hex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString('hex')}`;

/** A log over leaf hashes; `leafAt` and a memo by range let a test have a million equal leaves at no cost. */
export class ReferenceTree {
  readonly #root: (start: number, end: number) => Buffer;

  constructor(root: (start: number, end: number) => Buffer) {
    this.#root = root;
  }

  /** Over these entries. */
  static of(entries: readonly Uint8Array[]): ReferenceTree {
    const root = (start: number, end: number): Buffer => {
      const size = end - start;
      if (size === 0) return sha256();
      if (size === 1) return leafHashOf(entries[start]!);
      return nodeHashOf(root(start, start + split(size)), root(start + split(size), end));
    };
    return new ReferenceTree(root);
  }

  /** Over any number of the same entry: a range's root depends on its size only. */
  static ofEqual(entry: Uint8Array): ReferenceTree {
    const bySize = new Map<number, Buffer>([
      [0, sha256()],
      [1, leafHashOf(entry)],
    ]);
    const ofSize = (size: number): Buffer => {
      let root = bySize.get(size);
      if (root === undefined) {
        root = nodeHashOf(ofSize(split(size)), ofSize(size - split(size)));
        bySize.set(size, root);
      }
      return root;
    };
    return new ReferenceTree((start, end) => ofSize(end - start));
  }

  root(size: number): string {
    return hex(this.#root(0, size));
  }

  /** PATH(m, D_n). */
  inclusion(index: number, size: number): string[] {
    return this.#path(index, 0, size).map(hex);
  }

  /** PROOF(m, D_n). */
  consistency(from: number, to: number): string[] {
    return this.#subproof(from, 0, to, true).map(hex);
  }

  #path(m: number, start: number, end: number): Buffer[] {
    const n = end - start;
    if (n === 1) return [];
    const k = split(n);
    if (m < k) return [...this.#path(m, start, start + k), this.#root(start + k, end)];
    return [...this.#path(m - k, start + k, end), this.#root(start, start + k)];
  }

  #subproof(m: number, start: number, end: number, whole: boolean): Buffer[] {
    const n = end - start;
    if (m === n) return whole ? [] : [this.#root(start, end)];
    const k = split(n);
    if (m <= k) return [...this.#subproof(m, start, start + k, whole), this.#root(start + k, end)];
    return [...this.#subproof(m - k, start + k, end, false), this.#root(start, start + k)];
  }
}
