import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { network } from 'hardhat';
import { hex, leafHashOf, ReferenceTree } from './support/referenceTree.ts';

/** The test contract; TypeChain writes no types for those. */
type Harness = {
  hashLeaf(entry: string): Promise<string>;
  verifyInclusion(leaf: string, index: number, size: number, root: string, path: string[]): Promise<boolean>;
  verifyConsistency(from: number, old: string, to: number, root: string, proof: string[]): Promise<boolean>;
};

type Vectors = {
  leafInputs: string[];
  roots: string[];
  inclusion: { leafIndex: number; treeSize: number; path: string[] }[];
  consistency: { from: number; to: number; proof: string[] }[];
};

const vectors = JSON.parse(readFileSync(new URL('../vectors/rfc6962.json', import.meta.url), 'utf8')) as Vectors;
const with0x = (text: string): string => `0x${text}`;

/** The same bytes with the lowest bit turned. */
const turned = (word: string): string => `0x${(BigInt(word) ^ 1n).toString(16).padStart(64, '0')}`;

/** Each list that has one element changed, one left out, or one too many. */
function spoiled(list: readonly string[]): string[][] {
  const changed = list.map((word, index) => list.with(index, turned(word)));
  const shorter = list.map((_, index) => list.toSpliced(index, 1));
  const longer = [...list, list[0] ?? with0x('00'.repeat(32))];
  return [...changed, ...shorter, longer, [longer.at(-1)!, ...list]];
}

describe('Rfc9162 (Solidity)', () => {
  let harness: Harness;
  before(async () => {
    const { ethers } = await network.create('hardhat');
    harness = (await ethers.deployContract('Harness')) as unknown as Harness;
  });

  it('hashes the published leaf inputs', async () => {
    for (const [index, input] of vectors.leafInputs.entries()) {
      const expected = hex(leafHashOf(Buffer.from(input, 'hex')));
      expect(await harness.hashLeaf(with0x(input)), `leaf ${index}`).to.equal(expected);
    }
    expect(await harness.hashLeaf(with0x(vectors.leafInputs[0]!))).to.equal(with0x(vectors.roots[0]!));
  });

  it('takes every published inclusion proof, and none with any element changed', async () => {
    let refused = 0;
    for (const { leafIndex, treeSize, path } of vectors.inclusion) {
      const leaf = hex(leafHashOf(Buffer.from(vectors.leafInputs[leafIndex]!, 'hex')));
      const root = with0x(vectors.roots[treeSize - 1]!);
      const proof = path.map(with0x);
      const verify = (a: string, b: number, c: number, d: string, e: string[]) =>
        harness.verifyInclusion(a, b, c, d, e);
      expect(await verify(leaf, leafIndex, treeSize, root, proof), `${leafIndex} in ${treeSize}`).to.equal(true);
      const wrong = [
        verify(turned(leaf), leafIndex, treeSize, root, proof),
        verify(leaf, treeSize, treeSize, root, proof),
        verify(leaf, leafIndex, treeSize, turned(root), proof),
        ...spoiled(proof).map((other) => verify(leaf, leafIndex, treeSize, root, other)),
        ...vectors.leafInputs.flatMap((_, index) =>
          index === leafIndex || index >= treeSize ? [] : [verify(leaf, index, treeSize, root, proof)],
        ),
      ];
      for (const answer of await Promise.all(wrong)) expect(answer).to.equal(false);
      refused += wrong.length;
    }
    expect(refused).to.be.greaterThan(300);
  });

  it('takes every published consistency proof, and none with any element changed', async () => {
    for (const { from, to, proof: words } of vectors.consistency) {
      const [old, root] = [with0x(vectors.roots[from - 1]!), with0x(vectors.roots[to - 1]!)];
      const proof = words.map(with0x);
      const verify = (a: number, b: string, c: number, d: string, e: string[]) =>
        harness.verifyConsistency(a, b, c, d, e);
      expect(await verify(from, old, to, root, proof), `${from} to ${to}`).to.equal(true);
      const wrong = [
        verify(from, turned(old), to, root, proof),
        verify(from, old, to, turned(root), proof),
        ...(from < to ? [verify(to, root, from, old, proof), verify(from, old, to, root, [])] : []),
        // The root of a tree is not that of one with more levels: the walk has to end at the top.
        ...[4, 64, 2 ** 20].map((factor) => verify(from, old, to * factor, root, proof)),
        ...spoiled(proof).map((other) => verify(from, old, to, root, other)),
      ];
      for (const [index, answer] of (await Promise.all(wrong)).entries()) {
        expect(answer, `${from} to ${to}, mutation ${index}`).to.equal(false);
      }
    }
  });

  it('takes an empty proof, and only that, from the empty tree', async () => {
    const root = with0x(vectors.roots[4]!);
    expect(await harness.verifyConsistency(0, turned(root), 5, root, [])).to.equal(true);
    expect(await harness.verifyConsistency(0, turned(root), 5, root, [root])).to.equal(false);
  });

  it('agrees with the definitions of the RFC for random trees up to 2^40 entries', async () => {
    const tree = ReferenceTree.ofEqual(Buffer.from('entry'));
    const leaf = hex(leafHashOf(Buffer.from('entry')));
    const sizes = fc.integer({ min: 1, max: 2 ** 40 });
    await fc.assert(
      fc.asyncProperty(sizes, sizes, async (a, b) => {
        const [from, to] = a < b ? [a, b] : [b, a];
        const [old, root] = [tree.root(from), tree.root(to)];
        const proof = tree.consistency(from, to);
        expect(await harness.verifyConsistency(from, old, to, root, proof)).to.equal(true);
        expect(await harness.verifyInclusion(leaf, from - 1, to, root, tree.inclusion(from - 1, to))).to.equal(true);
        for (const other of spoiled(proof)) {
          expect(await harness.verifyConsistency(from, old, to, root, other)).to.equal(false);
        }
      }),
      { numRuns: 12, seed: 9162 },
    );
  });

  it('is exhaustively right for trees of distinct leaves up to 20', async () => {
    const tree = ReferenceTree.of(Array.from({ length: 20 }, (_, index) => Uint8Array.of(index)));
    const roots = Array.from({ length: 21 }, (_, size) => tree.root(size));
    const answers: Promise<boolean>[] = [];
    for (let to = 1; to <= 20; to += 1) {
      for (let from = 1; from <= to; from += 1) {
        answers.push(harness.verifyConsistency(from, roots[from]!, to, roots[to]!, tree.consistency(from, to)));
        const leaf = hex(leafHashOf(Uint8Array.of(from - 1)));
        answers.push(harness.verifyInclusion(leaf, from - 1, to, roots[to]!, tree.inclusion(from - 1, to)));
      }
    }
    expect((await Promise.all(answers)).every(Boolean)).to.equal(true);
    expect(answers).to.have.length(420);
  });
});
