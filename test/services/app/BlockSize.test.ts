import { expect } from 'chai';
import { BlockSize } from '../../../services/app/BlockSize.ts';
import { Problems } from '../../../services/app/Problems.ts';

describe('size of the next block', () => {
  it('shrinks with each void block, down to a bound, and grows with each that is anchored', () => {
    const size = new BlockSize(new Problems(), 200_000);
    const sizes = [size.records];
    for (let height = 1; height <= 6; height++) {
      size.wasVoid(1);
      sizes.push(size.records);
    }
    expect(sizes).to.deep.equal([200_000, 50_000, 12_500, 3_125, 1_000, 1_000, 1_000]);
    for (let height = 1; height <= 4; height++) {
      size.reached(height);
      size.reached(height);
      sizes.push(size.records);
    }
    expect(sizes.slice(7)).to.deep.equal([4_000, 16_000, 64_000, 200_000]);
    expect(new BlockSize(new Problems(), 10).records).to.equal(10);
  });

  it('shrinks from what was waiting when no quorum signed it in time, which is another problem', () => {
    const problems = new Problems();
    const size = new BlockSize(problems, 200_000);
    const sizes = Array.from({ length: 4 }, () => {
      size.hadNoQuorum(20_000);
      return size.records;
    });
    expect(sizes).to.deep.equal([5_000, 1_250, 1_000, 1_000]);
    expect(problems.list()).to.deep.equal([]);
    size.reached(1);
    expect(size.records).to.equal(4_000);
  });

  it('is a problem when block after block is void, until one is anchored', () => {
    const problems = new Problems();
    const size = new BlockSize(problems, 200_000);
    size.reached(7);
    size.wasVoid(8);
    size.wasVoid(8);
    expect(problems.list()).to.deep.equal([]);
    size.wasVoid(8);
    expect(problems.has('blocks-void')).to.equal(true);
    size.reached(7);
    expect(problems.has('blocks-void')).to.equal(true);
    size.reached(8);
    expect(problems.list()).to.deep.equal([]);
  });
});
