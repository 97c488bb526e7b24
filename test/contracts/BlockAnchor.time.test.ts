import { expect } from 'chai';
import { network } from 'hardhat';
import type { BlockAnchor } from '../../types/ethers-contracts/index.ts';
import { entryOf, memberOf, zeroHeader } from './support/anchorKit.ts';
import { refused, setUp } from './support/blockCases.ts';

describe('BlockAnchor', () => {
  describe('time', () => {
    it('takes a slot from its first second to the last second of the grace, and not one second beside', async () => {
      for (const [offset, error] of [
        [-1n, 'SlotEarly'],
        [0n, undefined],
        [14n, undefined],
        [15n, 'SlotLate'],
      ] as const) {
        const { kit, next } = await setUp();
        const begin = kit.begin(next.header.slot);
        const seconds = begin + offset;
        if (error === undefined) {
          await kit.send(next, seconds);
          expect((await kit.provider.getBlock('latest'))!.timestamp).to.equal(Number(seconds));
          expect(await kit.anchor.head()).to.equal(2n);
        } else {
          await refused(kit, next, error, [seconds, error === 'SlotEarly' ? begin : begin + 15n], seconds);
        }
      }
    });

    it('does not overflow with the greatest slot and period', async () => {
      const greatest = 2n ** 64n - 1n;
      const { ethers } = await network.create('hardhat');
      const registry = await ethers.deployContract('NodeRegistry', [[entryOf(memberOf(0), 0)]]);
      const anchor = (await ethers.deployContract('BlockAnchor', [
        await registry.getAddress(),
        greatest,
        greatest,
      ])) as unknown as BlockAnchor;
      const header = { ...zeroHeader, height: 1n, slot: greatest };
      await expect(
        anchor.anchor(header, zeroHeader, [], 0, '0x', { gasLimit: 1_000_000 }),
      ).to.be.revertedWithCustomError(anchor, 'SlotEarly');
    });

    it('counts slots by the chain clock', async () => {
      const { kit, first } = await setUp();
      const [begin, end] = [kit.begin(first.header.slot + 5n), kit.begin(first.header.slot + 6n)];
      for (const [seconds, slot] of [
        [begin, first.header.slot + 5n],
        [end - 1n, first.header.slot + 5n],
        [end, first.header.slot + 6n],
      ] as const) {
        await kit.setTime(seconds);
        await kit.ethers.provider.send('evm_mine', []);
        expect(await kit.anchor.currentSlot({ blockTag: 'latest' })).to.equal(slot);
      }
    });
  });
});
