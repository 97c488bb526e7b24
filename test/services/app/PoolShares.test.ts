import { expect } from 'chai';
import fc from 'fast-check';
import { PoolShares } from '../../../services/app/PoolShares.ts';
import type { Address } from '../../../services/core/bytes.ts';

const [one, other] = ['0x01', '0x02'] as [Address, Address];

describe('shares of the pool', () => {
  it('takes what has left the pool off those that came first', () => {
    const pool = new PoolShares();
    pool.add(5000, one);
    pool.add(3000);
    pool.add(2000, other);
    expect([pool.count, pool.of(one), pool.of(other)]).to.deep.equal([10_000, 5000, 2000]);
    pool.set(7500);
    expect([pool.of(one), pool.of(other)]).to.deep.equal([2500, 2000]);
    pool.set(5000);
    expect([pool.of(one), pool.of(other)]).to.deep.equal([0, 2000]);
    // Of 5000 that came together, 2500 are left.
    pool.set(2500);
    expect(pool.of(other)).to.equal(1000);
    pool.set(0);
    expect([pool.count, pool.of(one), pool.of(other)]).to.deep.equal([0, 0, 0]);
  });

  it('has nobody answer for what it has not counted itself, and lets that go first', () => {
    const pool = new PoolShares();
    pool.add(100, one);
    pool.set(1100);
    expect([pool.count, pool.of(one)]).to.deep.equal([1100, 100]);
    pool.set(100);
    expect(pool.of(one)).to.equal(100);
  });

  it('never counts more for the others than the pool has, and forgets all with it', () => {
    const step = fc.oneof(
      fc.record({ add: fc.nat(9000), peer: fc.constantFrom(one, other, undefined) }),
      fc.record({ set: fc.nat(30_000) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const pool = new PoolShares();
        let count = 0;
        for (const each of steps) {
          if ('add' in each) pool.add(each.add, each.peer);
          else pool.set(each.set);
          count = 'add' in each ? count + each.add : each.set;
          expect(pool.count).to.equal(count);
          expect(pool.of(one)).to.be.at.least(0);
          expect(pool.ofOthers).to.equal(pool.of(one) + pool.of(other));
          expect(pool.ofOthers).to.be.at.most(count);
        }
        pool.set(0);
        expect(pool.of(one) + pool.of(other)).to.equal(0);
      }),
    );
  });
});
