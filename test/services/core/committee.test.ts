import { expect } from 'chai';
import fc from 'fast-check';
import { publisherOf, quorumOf, slotAt, slotStartMs } from '../../../services/core/committee.ts';
import { centres, committee } from './receiptKit.ts';

describe('committee', () => {
  it('has the quorum floor(2m / 3) + 1', () => {
    const table = [1, 2, 3, 3, 4, 5, 5, 6, 7, 7, 8, 9, 9, 10, 11, 11];
    expect(table.map((_, index) => quorumOf(index + 1))).to.deep.equal(table);
  });

  it('has quorums of which any two share more than the faulty third', () => {
    for (let m = 1; m <= 300; m++) {
      const faulty = Math.ceil(m / 3) - 1;
      expect(2 * quorumOf(m) - m, `m ${m}`).to.be.greaterThan(faulty);
      expect(quorumOf(m), `m ${m}`).to.be.at.most(m - faulty);
    }
  });

  it('gives the slots to its members in turn', () => {
    expect([0, 1, 2, 3, 4, 2 ** 53 - 1].map((slot) => publisherOf(committee, slot))).to.deep.equal(
      [0, 1, 2, 3, 0, 3].map((index) => centres[index]!.address),
    );
    expect(() => publisherOf({ epoch: 1, members: [] }, 1)).to.throw(RangeError);
  });

  it('counts slots from the Unix epoch', () => {
    expect(slotAt(0, 30)).to.equal(0);
    expect(slotAt(29_999, 30)).to.equal(0);
    expect(slotAt(30_000, 30)).to.equal(1);
    expect(slotAt(1_763_000_000_000, 5)).to.equal(352_600_000);
    fc.assert(
      fc.property(fc.nat(8_640_000_000_000_000), fc.integer({ min: 1, max: 100_000 }), (unixMs, periodSeconds) => {
        const slot = slotAt(unixMs, periodSeconds);
        expect(BigInt(slot)).to.equal(BigInt(unixMs) / (1000n * BigInt(periodSeconds)));
        expect(slotAt(slotStartMs(slot, periodSeconds), periodSeconds)).to.equal(slot);
        expect(slotStartMs(slot, periodSeconds)).to.be.at.most(unixMs);
      }),
    );
  });
});
