import { expect } from 'chai';
import { BlockCache } from '../../../services/store/BlockCache.ts';
import type { StoredBlock } from '../../../services/store/StoredBlock.ts';

/** A block with the leaves from `first` up to the tree's size. */
function block(height: number, first: number, treeSize: number): StoredBlock {
  return { header: { height, treeSize }, count: treeSize - first } as unknown as StoredBlock;
}

describe('store/BlockCache', () => {
  it('finds a block by any of its leaves, in whatever order blocks came', () => {
    const cache = new BlockCache();
    expect(cache.find(0)).to.equal(undefined);
    // The third of the log is not in the cache.
    for (const one of [block(4, 30, 31), block(1, 0, 10), block(2, 10, 20)]) cache.add(one);
    const heights = [0, 9, 10, 19, 20, 29, 30, 31].map((leaf) => cache.find(leaf)?.header.height);
    expect(heights).to.deep.equal([1, 1, 2, 2, undefined, undefined, 4, undefined]);
  });

  it('takes a block anew', () => {
    const cache = new BlockCache();
    const [old, now] = [block(1, 0, 10), block(1, 0, 10)];
    cache.add(old);
    cache.add(now);
    expect(cache.find(5)).to.equal(now);
  });

  it('lets the older blocks go beyond its limit', () => {
    const cache = new BlockCache(4);
    for (let height = 1; height <= 5; height++) cache.add(block(height, 10 * (height - 1), 10 * height));
    const kept = [5, 15, 25, 35, 45].map((leaf) => cache.find(leaf)?.header.height);
    expect(kept).to.deep.equal([undefined, undefined, 3, 4, 5]);
  });
});
