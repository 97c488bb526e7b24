import { expect } from 'chai';
import fc from 'fast-check';
import { concat } from '../../../../services/core/bytes.ts';
import { appendLeaves, emptyFrontier, rootOf } from '../../../../services/core/log/compactRange.ts';
import { extendTree } from '../../../../services/core/log/extend.ts';
import { verifyConsistency } from '../../../../services/core/log/verifyProof.ts';
import { leavesOf, proofOfGrowth, readerOf, rootOfLeaves } from './reference.ts';

const leaves = leavesOf(150);

/** A tree of `size`, grown to `to`, proven from `from`. */
function extended(size: number, to: number, from?: number, isLate = false) {
  const old = appendLeaves(emptyFrontier, concat(...leaves.slice(0, size)));
  const read = readerOf(leaves.slice(0, size));
  return extendTree(
    old,
    concat(...leaves.slice(size, to)),
    isLate ? async (level, index) => read(level, index) : read,
    from,
  );
}

describe('core/log/extend', () => {
  const sizes = fc
    .tuple(fc.nat(leaves.length), fc.nat(leaves.length), fc.nat(leaves.length))
    .map((three) => three.toSorted((a, b) => a - b) as [number, number, number]);

  it('proves the growth from the old tree and from any before it', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.boolean(), async ([from, size, to], isLate) => {
        const { frontier, proof } = await extended(size, to, from, isLate);
        const root = rootOfLeaves(leaves.slice(0, to));
        expect(frontier.size).to.equal(to);
        expect(rootOf(frontier)).to.deep.equal(root);
        expect(proof).to.deep.equal(proofOfGrowth(from, leaves.slice(0, to)));
        expect(verifyConsistency(from, to, rootOfLeaves(leaves.slice(0, from)), root, proof)).to.equal(true);
      }),
      { numRuns: 150 },
    );
  });

  it('proves from the old tree when not told otherwise', async () => {
    for (let size = 0; size <= 20; size++) {
      for (let to = size; to <= 34; to++) {
        const { proof } = await extended(size, to);
        expect(proof, `${size} to ${to}`).to.deep.equal(proofOfGrowth(size, leaves.slice(0, to)));
      }
    }
  });

  it('proves from a size between the old tree and the new', async () => {
    const { proof } = await extended(10, 40, 23);
    expect(proof).to.deep.equal(proofOfGrowth(23, leaves.slice(0, 40)));
  });

  it('refuses a beginning beyond the new tree, and passes on what the reader throws', async () => {
    const failure = async (promise: Promise<unknown>): Promise<unknown> =>
      promise.then(
        () => 'no error',
        (error) => error,
      );
    expect(await failure(extended(3, 5, 6))).to.be.instanceOf(RangeError);
    const old = appendLeaves(emptyFrontier, concat(...leaves.slice(0, 3)));
    const broken = new Error('tile lost');
    const call = extendTree(old, leaves[3]!, () => Promise.reject(broken));
    expect(await failure(call)).to.equal(broken);
  });
});
