import { expect } from 'chai';
import fc from 'fast-check';
import { isOdd, onesOf, requireUint, shiftRight, splitLevel } from '../../../../services/core/log/treeMath.ts';

describe('core/log/treeMath', () => {
  const uint = fc.oneof(
    fc.maxSafeNat(),
    fc.nat(300),
    fc.integer({ min: 0, max: 53 }).map((bits) => 2 ** bits - 1),
  );

  it('agrees with big integers', () => {
    fc.assert(
      fc.property(uint, fc.nat(60), (value, bits) => {
        expect(shiftRight(value, bits)).to.equal(Number(BigInt(value) >> BigInt(bits)));
        expect(isOdd(value)).to.equal((BigInt(value) & 1n) === 1n);
        expect(onesOf(value).reduce((sum, bit) => sum + 2n ** BigInt(bit), 0n)).to.equal(BigInt(value));
        if (value < 2) return;
        const level = BigInt(splitLevel(value));
        expect(2n ** level < BigInt(value) && 2n ** (level + 1n) >= BigInt(value)).to.equal(true);
      }),
    );
    expect([2, 3, 4, 5, 2 ** 32, 2 ** 32 + 1, 2 ** 33, 2 ** 53].map(splitLevel)).to.deep.equal([
      0, 1, 1, 2, 31, 32, 32, 52,
    ]);
  });

  it('refuses what is no unsigned integer', () => {
    for (const value of [-1, 0.5, Number.NaN, 2 ** 53]) expect(() => requireUint(value, 'size')).to.throw(RangeError);
  });
});
