import { expect } from 'chai';
import fc from 'fast-check';
import { concat, fromHex, hexDigits } from '../../../../services/core/bytes.ts';
import { appendLeaves, emptyFrontier, rootOf, treeRoot } from '../../../../services/core/log/compactRange.ts';
import { memoryTree } from '../../../../services/core/log/memoryTree.ts';
import { leafHash } from '../../../../services/core/sha256.ts';
import vectors from '../../../vectors/rfc6962.json' with { type: 'json' };
import { leavesOf, pathOfLeaf, rootOfLeaves } from './reference.ts';

const vectorLeaves = vectors.leafInputs.map((input) => leafHash(fromHex(input)));

describe('core/log/compactRange', () => {
  it('has the published roots, in one go and leaf by leaf', () => {
    let frontier = emptyFrontier;
    expect(hexDigits(rootOf(frontier))).to.equal(vectors.emptyRoot);
    vectorLeaves.forEach((leaf, at) => {
      frontier = appendLeaves(frontier, leaf);
      expect(frontier.size).to.equal(at + 1);
      expect(hexDigits(rootOf(frontier))).to.equal(vectors.roots[at]);
      expect(hexDigits(treeRoot(concat(...vectorLeaves.slice(0, at + 1))))).to.equal(vectors.roots[at]);
      expect(hexDigits(memoryTree(concat(...vectorLeaves.slice(0, at + 1))).root)).to.equal(vectors.roots[at]);
    });
  });

  it('gives the same root however the leaves are cut', () => {
    const leaves = leavesOf(600);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 120 }), { maxLength: 6 }), (sizes) => {
        let frontier = emptyFrontier;
        for (const count of sizes) {
          frontier = appendLeaves(frontier, concat(...leaves.slice(frontier.size, frontier.size + count)));
        }
        expect(hexDigits(rootOf(frontier))).to.equal(hexDigits(rootOfLeaves(leaves.slice(0, frontier.size))));
      }),
    );
  });

  it('does not change the frontier that it began from', () => {
    const leaves = leavesOf(9);
    const before = appendLeaves(emptyFrontier, concat(...leaves.slice(0, 7)));
    const root = hexDigits(rootOf(before));
    appendLeaves(before, concat(...leaves.slice(7)));
    expect(hexDigits(rootOf(before))).to.equal(root);
  });

  it('agrees across the borders of its chunks', () => {
    const leaves = concat(...leavesOf(12_300));
    const root = hexDigits(rootOfLeaves(leavesOf(12_300)));
    expect(hexDigits(treeRoot(leaves))).to.equal(root);
    for (const cut of [1, 4095, 4096, 4097, 8191, 12_299]) {
      const frontier = appendLeaves(emptyFrontier, leaves.subarray(0, 32 * cut));
      expect(hexDigits(rootOf(appendLeaves(frontier, leaves.subarray(32 * cut)))), String(cut)).to.equal(root);
    }
  });

  it('appends where sizes need more than 32 bits', () => {
    const size = 2 ** 40 + 3;
    const peaks = [40, 1, 0].map((level) => new Uint8Array(32).fill(level));
    const grown = appendLeaves({ size, peaks }, new Uint8Array(32).fill(9));
    expect(grown.size).to.equal(2 ** 40 + 4);
    expect(grown.peaks).to.have.length(2);
    expect(grown.peaks[0]).to.equal(peaks[0]);
  });

  it('refuses what is no frontier and no leaves', () => {
    expect(() => appendLeaves(emptyFrontier, new Uint8Array(31))).to.throw(RangeError);
    expect(() => appendLeaves({ size: 3, peaks: [new Uint8Array(32)] }, new Uint8Array(32))).to.throw(RangeError);
    const peaks = Array.from({ length: 53 }, () => new Uint8Array(32));
    expect(() => appendLeaves({ size: Number.MAX_SAFE_INTEGER, peaks }, new Uint8Array(32))).to.throw(RangeError);
  });
});

describe('core/log/memoryTree', () => {
  it('has the paths of RFC 9162 for every leaf of every size', () => {
    for (let size = 1; size <= 35; size++) {
      const leaves = leavesOf(size);
      const tree = memoryTree(concat(...leaves));
      for (let index = 0; index < size; index++) {
        expect(tree.path(index).map(hexDigits)).to.deep.equal(pathOfLeaf(index, leaves).map(hexDigits));
      }
    }
  });

  it('refuses an index outside of it', () => {
    const tree = memoryTree(concat(...leavesOf(3)));
    for (const index of [-1, 3, 0.5]) expect(() => tree.path(index)).to.throw(RangeError);
    expect(hexDigits(memoryTree(new Uint8Array(0)).root)).to.equal(vectors.emptyRoot);
  });
});
