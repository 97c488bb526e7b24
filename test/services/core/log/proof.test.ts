import { expect } from 'chai';
import fc from 'fast-check';
import { fromHex, hexDigits } from '../../../../services/core/bytes.ts';
import {
  consistencyProof,
  inclusionProof,
  inclusionProver,
  rootFromNodes,
} from '../../../../services/core/log/proof.ts';
import { rootFromInclusion, verifyConsistency, verifyInclusion } from '../../../../services/core/log/verifyProof.ts';
import { leafHash } from '../../../../services/core/sha256.ts';
import vectors from '../../../vectors/rfc6962.json' with { type: 'json' };
import { flipped, leavesOf, pathOfLeaf, proofOfGrowth, readerOf, rootOfLeaves } from './reference.ts';

const hexes = (hashes: readonly Uint8Array[]): string[] => hashes.map(hexDigits);
const vectorLeaves = vectors.leafInputs.map((input) => leafHash(fromHex(input)));
const rootAt = (size: number): Uint8Array => fromHex(size === 0 ? vectors.emptyRoot : vectors.roots[size - 1]!);

describe('core/log/proof', () => {
  it('makes and accepts the published inclusion proofs', async () => {
    expect(vectors.inclusion).to.not.have.length(0);
    for (const { leafIndex, treeSize, path } of vectors.inclusion) {
      const made = await inclusionProof(leafIndex, treeSize, readerOf(vectorLeaves));
      expect(hexes(made)).to.deep.equal(path);
      const leaf = vectorLeaves[leafIndex]!;
      expect(verifyInclusion({ leafHash: leaf, leafIndex, treeSize, path: made, root: rootAt(treeSize) })).to.equal(
        true,
      );
    }
  });

  it('makes and accepts the published consistency proofs', async () => {
    expect(vectors.consistency).to.not.have.length(0);
    for (const { from, to, proof } of vectors.consistency) {
      const made = await consistencyProof(from, to, readerOf(vectorLeaves));
      expect(hexes(made)).to.deep.equal(proof);
      expect(verifyConsistency(from, to, rootAt(from), rootAt(to), made)).to.equal(true);
    }
  });

  it('agrees with the RFC text for every leaf and size', async () => {
    const all = leavesOf(33);
    for (let size = 1; size <= all.length; size++) {
      const leaves = all.slice(0, size);
      const root = rootOfLeaves(leaves);
      const prove = inclusionProver(size, readerOf(leaves));
      expect(hexDigits(await rootFromNodes(size, readerOf(leaves)))).to.equal(hexDigits(root));
      for (let leafIndex = 0; leafIndex < size; leafIndex++) {
        const path = await inclusionProof(leafIndex, size, readerOf(leaves));
        expect(hexes(path)).to.deep.equal(hexes(pathOfLeaf(leafIndex, leaves)));
        expect(hexes(await prove(leafIndex))).to.deep.equal(hexes(path));
        expect(verifyInclusion({ leafHash: leaves[leafIndex]!, leafIndex, treeSize: size, path, root })).to.equal(true);
      }
      for (let from = 0; from <= size; from++) {
        const proof = await consistencyProof(from, size, readerOf(leaves));
        expect(hexes(proof)).to.deep.equal(hexes(proofOfGrowth(from, leaves)));
        expect(verifyConsistency(from, size, rootOfLeaves(leaves.slice(0, from)), root, proof)).to.equal(true);
      }
    }
  });

  it('works with a reader that answers later, and passes on its failure', async () => {
    const leaves = leavesOf(13);
    const read = readerOf(leaves);
    const path = await inclusionProof(4, 13, async (level, index) => read(level, index));
    expect(hexes(path)).to.deep.equal(hexes(pathOfLeaf(4, leaves)));
    const broken = inclusionProof(4, 13, async () => Promise.reject(new Error('no disk')));
    expect(await Promise.resolve(broken).catch((error: Error) => error.message)).to.equal('no disk');
  });

  it('answers without a promise where all nodes are at hand', () => {
    expect(inclusionProof(4, 13, readerOf(leavesOf(13)))).to.be.an('array');
  });

  it('works for the largest sizes', () => {
    const size = Number.MAX_SAFE_INTEGER;
    const read = (level: number, index: number): Uint8Array => {
      expect((index + 1) * 2 ** level).to.be.at.most(size);
      return leafHash(new TextEncoder().encode(`${level}/${index}`));
    };
    const root = rootFromNodes(size, read) as Uint8Array;
    for (const leafIndex of [0, 1, 2 ** 32, 2 ** 52, size - 2, size - 1]) {
      const path = inclusionProof(leafIndex, size, read) as Uint8Array[];
      // These nodes belong to no real leaves, so the path leads to the real root only past the lowest inner level.
      expect(path.length).to.be.at.most(53);
      expect(rootFromInclusion({ leafHash: read(0, leafIndex), leafIndex, treeSize: size, path })).to.have.length(32);
    }
    const last = inclusionProof(size - 1, size, read) as Uint8Array[];
    expect(
      verifyInclusion({ leafHash: read(0, size - 1), leafIndex: size - 1, treeSize: size, path: last, root }),
    ).to.equal(true);
  });

  it('refuses what no tree has', () => {
    const read = readerOf(leavesOf(4));
    expect(() => inclusionProof(4, 4, read)).to.throw(RangeError);
    expect(() => inclusionProof(-1, 4, read)).to.throw(RangeError);
    expect(() => inclusionProof(0.5, 4, read)).to.throw(RangeError);
    expect(() => inclusionProof(0, 2 ** 53, read)).to.throw(RangeError);
    expect(() => consistencyProof(5, 4, read)).to.throw(RangeError);
  });
});

describe('core/log/verifyProof', () => {
  const leaves = leavesOf(41);

  it('refuses an inclusion proof with any bit of it changed, cut, extended, or moved', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 41 }), fc.nat(), fc.nat(), (treeSize, pick, bit) => {
        const tree = leaves.slice(0, treeSize);
        const leafIndex = pick % treeSize;
        const good = {
          leafHash: leaves[leafIndex]!,
          leafIndex,
          treeSize,
          path: pathOfLeaf(leafIndex, tree),
          root: rootOfLeaves(tree),
        };
        expect(verifyInclusion(good)).to.equal(true);
        const bad = [
          { ...good, leafHash: flipped(good.leafHash, bit % 32, bit % 8) },
          { ...good, root: flipped(good.root, bit % 32, bit % 8) },
          { ...good, leafIndex: leafIndex + 1 },
          { ...good, leafIndex: leafIndex - 1 },
          { ...good, path: [...good.path, good.root] },
          { ...good, path: [good.root, ...good.path] },
          { ...good, path: good.path.slice(1), ...(good.path.length === 0 ? { treeSize: 0 } : {}) },
          { ...good, path: good.path.slice(0, -1), ...(good.path.length === 0 ? { treeSize: 2 } : {}) },
          ...good.path.map((hash, at) => ({ ...good, path: good.path.with(at, flipped(hash, bit % 32, bit % 8)) })),
          ...good.path.map((hash, at) => ({ ...good, path: good.path.with(at, hash.slice(1)) })),
        ];
        for (const proof of bad) expect(verifyInclusion(proof)).to.equal(false);
      }),
      { numRuns: 60 },
    );
  });

  it('refuses every single changed byte of a proof', () => {
    const path = pathOfLeaf(20, leaves);
    const good = { leafHash: leaves[20]!, leafIndex: 20, treeSize: 41, path, root: rootOfLeaves(leaves) };
    for (const [at, hash] of path.entries()) {
      for (let byte = 0; byte < 32; byte++) {
        expect(verifyInclusion({ ...good, path: path.with(at, flipped(hash, byte)) })).to.equal(false);
      }
    }
    const proof = proofOfGrowth(20, leaves);
    const fromRoot = rootOfLeaves(leaves.slice(0, 20));
    for (const [at, hash] of proof.entries()) {
      for (let byte = 0; byte < 32; byte++) {
        expect(verifyConsistency(20, 41, fromRoot, good.root, proof.with(at, flipped(hash, byte)))).to.equal(false);
      }
    }
  });

  it('refuses a size that is off where the tree has another form, and the root of another size always', () => {
    for (let treeSize = 1; treeSize <= 40; treeSize++) {
      const root = rootOfLeaves(leaves.slice(0, treeSize));
      for (let leafIndex = 0; leafIndex < treeSize; leafIndex++) {
        const path = pathOfLeaf(leafIndex, leaves.slice(0, treeSize));
        const proof = { leafHash: leaves[leafIndex]!, leafIndex, treeSize, path };
        expect(verifyInclusion({ ...proof, root: rootOfLeaves(leaves.slice(0, treeSize + 1)) })).to.equal(false);
        // A leaf can have the same path form in trees of two sizes; then the size is bound by the signed header alone.
        const isSameForm = pathOfLeaf(leafIndex, leaves.slice(0, treeSize + 1)).length === path.length;
        if (!isSameForm) expect(verifyInclusion({ ...proof, treeSize: treeSize + 1, root })).to.equal(false);
      }
    }
  });

  it('refuses a consistency proof that is changed, cut, extended, or of other sizes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 41 }), fc.nat(), fc.nat(), (to, pick, bit) => {
        const from = 1 + (pick % (to - 1));
        const proof = proofOfGrowth(from, leaves.slice(0, to));
        const fromRoot = rootOfLeaves(leaves.slice(0, from));
        const toRoot = rootOfLeaves(leaves.slice(0, to));
        expect(verifyConsistency(from, to, fromRoot, toRoot, proof)).to.equal(true);
        const byte = bit % 32;
        expect(verifyConsistency(from, to, flipped(fromRoot, byte), toRoot, proof)).to.equal(false);
        expect(verifyConsistency(from, to, fromRoot, flipped(toRoot, byte), proof)).to.equal(false);
        expect(verifyConsistency(from, to, toRoot, fromRoot, proof)).to.equal(false);
        expect(verifyConsistency(to, from, toRoot, fromRoot, proof)).to.equal(false);
        expect(verifyConsistency(from, to, fromRoot, toRoot, proof.slice(0, -1))).to.equal(false);
        expect(verifyConsistency(from, to, fromRoot, toRoot, proof.slice(1))).to.equal(false);
        expect(verifyConsistency(from, to, fromRoot, toRoot, [...proof, toRoot])).to.equal(false);
        expect(verifyConsistency(from, to, fromRoot, toRoot, [fromRoot, ...proof])).to.equal(false);
        expect(verifyConsistency(from, to, fromRoot, toRoot, [])).to.equal(false);
      }),
      { numRuns: 60 },
    );
  });

  it('knows the two proofs without hashes', () => {
    const root = rootOfLeaves(leaves);
    const empty = rootOfLeaves([]);
    expect(verifyConsistency(0, 41, empty, root, [])).to.equal(true);
    expect(verifyConsistency(0, 41, root, root, [])).to.equal(false);
    expect(verifyConsistency(0, 41, empty, root, [root])).to.equal(false);
    expect(verifyConsistency(41, 41, root, root, [])).to.equal(true);
    expect(verifyConsistency(41, 41, root, root, [root])).to.equal(false);
    expect(verifyConsistency(41, 41, root, flipped(root, 0), [])).to.equal(false);
    expect(verifyConsistency(0, 0, empty, empty, [])).to.equal(true);
    expect(verifyConsistency(0, 0, root, root, [])).to.equal(false);
  });

  it('refuses numbers that are none, and endless paths', () => {
    const root = rootOfLeaves(leaves.slice(0, 1));
    for (const [leafIndex, treeSize] of [
      [0, 0],
      [1, 1],
      [-1, 1],
      [0.5, 1],
      [Number.NaN, 1],
      [0, 2 ** 53],
      [0, -1],
    ]) {
      const proof = { leafHash: root, leafIndex: leafIndex!, treeSize: treeSize!, path: [], root };
      expect(verifyInclusion(proof), `${leafIndex} ${treeSize}`).to.equal(false);
    }
    const path = Array.from({ length: 65 }, () => root);
    expect(rootFromInclusion({ leafHash: root, leafIndex: 0, treeSize: 2 ** 52, path })).to.equal(undefined);
    expect(rootFromInclusion({ leafHash: root.slice(1), leafIndex: 0, treeSize: 1, path: [] })).to.equal(undefined);
  });
});
