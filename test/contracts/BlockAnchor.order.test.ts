import { expect } from 'chai';
import { id, ZeroHash } from 'ethers';
import { createKit, type Header, memberOf, zeroHeader } from './support/anchorKit.ts';
import { changed, refused, setUp, turned } from './support/blockCases.ts';

describe('BlockAnchor', () => {
  describe('order', () => {
    it('takes only the next height', async () => {
      const { kit, next } = await setUp();
      await refused(kit, changed(kit, next, { height: 3n }), 'HeightGap', [3n, 2n]);
      await refused(kit, changed(kit, next, { height: 0n }), 'HeightGap', [0n, 2n]);
      await refused(kit, changed(kit, next, { height: 2n ** 64n - 1n }), 'HeightGap', [2n ** 64n - 1n, 2n]);
      const fresh = await createKit({ size: 4 });
      const early = fresh.blockOn(undefined);
      await refused(fresh, changed(fresh, early, { height: 2n }), 'HeightGap', [2n, 1n]);
      await refused(fresh, changed(fresh, early, { height: 0n }), 'HeightGap', [0n, 1n]);
    });

    it('takes the same block again as nothing, at any time and with anything beside it', async () => {
      const { kit, first, next } = await setUp();
      await kit.mined(next);
      const bare = { ...first, previous: zeroHeader, proof: [id('x')], bitmap: 0n, signatures: '0x' };
      for (const again of [next, first, bare]) {
        const receipt = (await (await kit.send(again, kit.begin(next.header.slot) + 100_000n)).wait())!;
        expect(receipt.status).to.equal(1);
        expect(receipt.logs).to.deep.equal([]);
      }
      expect(await kit.anchor.head()).to.equal(2n);
      expect(await kit.anchor.blockHash(1)).to.equal(kit.digestOf(first.header));
    });

    it('refuses another block at a taken height, however well signed', async () => {
      const { kit, first } = await setUp();
      const rival = kit.blockOn(undefined, { treeSize: 9n }, { signers: [0, 1, 2, 3] });
      await refused(kit, rival, 'HeightTaken', [1n, kit.digestOf(rival.header), kit.digestOf(first.header)]);
    });

    it('takes only the stored hash as the parent', async () => {
      const { kit, first, next } = await setUp();
      const stored = kit.digestOf(first.header);
      await refused(kit, changed(kit, next, { parent: ZeroHash }), 'ParentMismatch', [ZeroHash, stored]);
      await refused(kit, changed(kit, next, { parent: turned(stored) }), 'ParentMismatch', [turned(stored), stored]);
      const fresh = await createKit({ size: 4 });
      const block = changed(fresh, fresh.blockOn(undefined), { parent: id('x') });
      await refused(fresh, block, 'ParentMismatch', [id('x'), ZeroHash]);
    });

    it('takes no previous header but the stored one', async () => {
      const { kit, first, next } = await setUp();
      const stored = kit.digestOf(first.header);
      for (const [field, value] of Object.entries(first.header)) {
        const other =
          field === 'publisher' ? memberOf(99).address : typeof value === 'bigint' ? value + 1n : turned(value);
        const previous = { ...first.header, [field]: other };
        await refused(kit, { ...next, previous }, 'PreviousMismatch', [kit.digestOf(previous), stored]);
      }
    });

    it('takes later slots only, empty ones between them allowed', async () => {
      const { kit, first } = await setUp();
      const { slot } = first.header;
      const same = kit.blockOn(first.header, { slot });
      await refused(kit, same, 'SlotNotLater', [slot, slot + 1n], kit.begin(slot) + 3n);
      const before = kit.blockOn(first.header, { slot: slot - 1n });
      const late = await createKit({ size: 4, graceSeconds: 1_000 });
      const one = late.blockOn(undefined);
      await late.mined(one);
      const earlier = late.blockOn(one.header, { slot: slot - 1n });
      await refused(late, earlier, 'SlotNotLater', [slot - 1n, slot + 1n], late.begin(slot) + 1n);
      expect(before.header.slot).to.equal(slot - 1n);
      await kit.mined(kit.blockOn(first.header, { slot: slot + 1_000n }));
      expect(await kit.anchor.head()).to.equal(2n);
    });

    it('takes a block with at least one entry more', async () => {
      const { kit, first } = await setUp();
      for (const treeSize of [3n, 2n, 0n]) {
        await refused(kit, kit.blockOn(first.header, { treeSize }), 'TreeSizeNotGrown', [treeSize, 4n]);
      }
      const fresh = await createKit({ size: 1 });
      await refused(fresh, fresh.blockOn(undefined, { treeSize: 0n }), 'TreeSizeNotGrown', [0n, 1n]);
    });

    it('finds the head among any number of blocks', async () => {
      const kit = await createKit({ size: 1 });
      let last: Header | undefined;
      expect(await kit.anchor.head()).to.equal(0n);
      for (let height = 1n; height <= 18n; height += 1n) {
        const block = kit.blockOn(last);
        await kit.mined(block);
        expect(await kit.anchor.head()).to.equal(height);
        last = block.header;
      }
    });
  });

  describe('consistency', () => {
    it('takes no log that does not extend the old one', async () => {
      const { kit, next } = await setUp();
      const wrong = [
        { ...next, proof: [] },
        { ...next, proof: next.proof.slice(1) },
        { ...next, proof: [...next.proof, ZeroHash] },
        ...next.proof.map((word, index) => ({ ...next, proof: next.proof.with(index, turned(word)) })),
        changed(kit, next, { root: turned(next.header.root) }),
      ];
      for (const block of wrong) {
        await refused(kit, block, 'ConsistencyProofInvalid', [3n, block.header.treeSize]);
      }
      const fresh = await createKit({ size: 1 });
      const first = fresh.blockOn(undefined, {}, { proof: [ZeroHash] });
      await refused(fresh, first, 'ConsistencyProofInvalid', [0n, 3n]);
    });
  });
});
