import { expect } from 'chai';
import fc from 'fast-check';
import { aggregateRoot, buildAggregate, verifyInnerProof } from '../../../services/core/aggregate.ts';
import { concat, fromHex, hexDigits } from '../../../services/core/bytes.ts';
import { flipped, pathOfLeaf, rootOfLeaves, sha256Of } from './log/reference.ts';

const digestsOf = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, index) => sha256Of(Buffer.from(`file ${index}`)));
const innerLeaf = (digest: Uint8Array): Uint8Array => sha256Of([0], digest);

describe('core/aggregate', () => {
  it('is the RFC 9162 tree over SHA-256(0x00 || digest), with a path for each member', () => {
    for (const count of [1, 2, 3, 7, 8, 9, 100]) {
      const digests = digestsOf(count);
      const leaves = digests.map(innerLeaf);
      const aggregate = buildAggregate(concat(...digests));
      expect(aggregate.count).to.equal(count);
      expect(hexDigits(aggregate.root)).to.equal(hexDigits(rootOfLeaves(leaves)));
      expect(hexDigits(aggregateRoot(concat(...digests)))).to.equal(hexDigits(aggregate.root));
      digests.forEach((digest, leafIndex) => {
        const path = aggregate.proofOf(leafIndex);
        expect(path).to.deep.equal(pathOfLeaf(leafIndex, leaves).map(hexDigits));
        expect(verifyInnerProof(digest, { leafIndex, treeSize: count, path }, aggregate.root)).to.equal(true);
      });
    }
  });

  it('agrees across the borders of its chunks', () => {
    const digests = Uint8Array.from({ length: 32 * 8200 }, (_, at) => (at * 2654435761) >>> 24);
    for (const count of [4095, 4096, 4097, 8200]) {
      const part = digests.subarray(0, 32 * count);
      expect(hexDigits(aggregateRoot(part))).to.equal(hexDigits(buildAggregate(part).root));
    }
  });

  it('refuses a proof that is changed in any way', () => {
    const digests = digestsOf(50);
    const { root, proofOf } = buildAggregate(concat(...digests));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 49 }), fc.nat(31), fc.nat(7), (leafIndex, byte, bit) => {
        const path = proofOf(leafIndex);
        const digest = digests[leafIndex]!;
        const good = { leafIndex, treeSize: 50, path };
        expect(verifyInnerProof(digest, good, root)).to.equal(true);
        expect(verifyInnerProof(flipped(digest, byte, bit), good, root)).to.equal(false);
        expect(verifyInnerProof(digest, good, flipped(root, byte, bit))).to.equal(false);
        expect(verifyInnerProof(digest, { ...good, leafIndex: (leafIndex + 1) % 50 }, root)).to.equal(false);
        expect(verifyInnerProof(digest, { ...good, path: path.slice(1) }, root)).to.equal(false);
        expect(verifyInnerProof(digest, { ...good, path: [...path, path[0]!] }, root)).to.equal(false);
        for (const [at, item] of path.entries()) {
          const changed = path.with(at, hexDigits(flipped(fromHex(item), byte, bit)));
          expect(verifyInnerProof(digest, { ...good, path: changed }, root)).to.equal(false);
        }
      }),
      { numRuns: 50 },
    );
    expect(verifyInnerProof(new Uint8Array(31), { leafIndex: 0, treeSize: 1, path: [] }, root)).to.equal(false);
  });

  it('refuses an aggregate of nothing, and half digests', () => {
    for (const bytes of [new Uint8Array(0), new Uint8Array(33)]) {
      expect(() => aggregateRoot(bytes)).to.throw(RangeError);
      expect(() => buildAggregate(bytes)).to.throw(RangeError);
    }
    expect(() => buildAggregate(new Uint8Array(64)).proofOf(2)).to.throw(RangeError);
  });
});
