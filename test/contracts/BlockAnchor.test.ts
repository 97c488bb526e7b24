import { expect } from 'chai';
import { MaxUint256 } from 'ethers';
import { network } from 'hardhat';
import type { NodeRegistry } from '../../types/ethers-contracts/index.ts';
import { createKit, entryOf, type Header, memberOf, quorumOf } from './support/anchorKit.ts';
import { refused, setUp, turned } from './support/blockCases.ts';
import { hex, leafHashOf } from './support/referenceTree.ts';

describe('BlockAnchor', () => {
  describe('construction', () => {
    it('keeps its parameters', async () => {
      const kit = await createKit({ size: 1, periodSeconds: 7, graceSeconds: 3 });
      expect(await kit.anchor.registry()).to.equal(await kit.registry.getAddress());
      expect(await kit.anchor.periodSeconds()).to.equal(7n);
      expect(await kit.anchor.graceSeconds()).to.equal(3n);
      const domain = await kit.anchor.eip712Domain();
      expect([domain.name, domain.version, domain.chainId, domain.verifyingContract]).to.deep.equal([
        'Notarium',
        '1',
        kit.chainId,
        kit.contract,
      ]);
    });

    it('is refused without a period or a registry', async () => {
      const { ethers } = await network.create('hardhat');
      const factory = await ethers.getContractFactory('BlockAnchor');
      const registry = await ethers.deployContract('NodeRegistry', [[entryOf(memberOf(0), 0)]]);
      await expect(factory.deploy(await registry.getAddress(), 0, 1)).to.be.revertedWithCustomError(
        factory,
        'PeriodZero',
      );
      await expect(factory.deploy(memberOf(1).address, 1, 1))
        .to.be.revertedWithCustomError(factory, 'RegistryMissing')
        .withArgs(memberOf(1).address);
    });
  });

  for (const size of [1, 4, 7, 16]) {
    it(`anchors blocks of a committee of ${size}, each member in its turn`, async () => {
      const kit = await createKit({ size });
      let last: Header | undefined;
      for (let turn = 0; turn < Math.min(size, 7) + 1; turn += 1) {
        const block = kit.blockOn(last);
        const { height, slot, treeSize, root } = block.header;
        const digest = kit.digestOf(block.header);
        await expect(kit.send(block)).to.emit(kit.anchor, 'Anchored').withArgs(height, digest, slot, treeSize, root);
        expect(await kit.anchor.blockHash(height)).to.equal(digest);
        expect(await kit.anchor.hashBlock(block.header)).to.equal(digest);
        expect(await kit.anchor.head()).to.equal(height);
        expect(await kit.anchor.publisherOf(slot)).to.equal(block.header.publisher);
        last = block.header;
      }
      expect(await kit.anchor.quorum()).to.equal(BigInt(quorumOf(size)));
    });
  }

  it('anchors a block of a committee of 256, and refuses it with one signature less than the quorum of 171', async () => {
    const kit = await createKit({
      size: 256,
      override: { allowUnlimitedContractSize: true, hardfork: 'cancun', blockGasLimit: 1_000_000_000 },
      deployGas: 500_000_000,
    });
    const everybody = Array.from({ length: 256 }, (_, index) => index);
    const first = kit.blockOn(undefined, {}, { signers: everybody });
    expect(first.bitmap).to.equal(MaxUint256);
    const turn = kit.members.findIndex(({ address }) => address === first.header.publisher);
    const few = everybody.filter((index) => index !== turn).slice(0, 169);
    await refused(kit, kit.blockOn(undefined, {}, { signers: [turn, ...few] }), 'QuorumMissed', [170n, 171n]);
    await kit.mined(first);
    expect(await kit.anchor.quorum()).to.equal(171n);
  });

  describe('verification', () => {
    it('of an entry and of a leaf hash is true for the anchored header only', async () => {
      const { kit, first } = await setUp();
      const entry = new TextEncoder().encode('entry');
      const leaf = hex(leafHashOf(entry));
      for (let index = 0; index < 3; index += 1) {
        const path = kit.tree.inclusion(index, 3);
        expect(await kit.anchor.verifyEntry(first.header, entry, index, path)).to.equal(true);
        expect(await kit.anchor.verifyInclusion(first.header, leaf, index, path)).to.equal(true);
        expect(await kit.anchor.verifyEntry(first.header, Buffer.from('entrY'), index, path)).to.equal(false);
        expect(await kit.anchor.verifyInclusion(first.header, turned(leaf), index, path)).to.equal(false);
        expect(await kit.anchor.verifyInclusion(first.header, leaf, 3, path)).to.equal(false);
        expect(await kit.anchor.verifyInclusion(first.header, leaf, index, path.slice(1))).to.equal(false);
        for (const [field, value] of Object.entries(first.header)) {
          const other =
            field === 'publisher' ? memberOf(99).address : typeof value === 'bigint' ? value + 1n : turned(value);
          const header = { ...first.header, [field]: other };
          expect(await kit.anchor.verifyInclusion(header, leaf, index, path), field).to.equal(false);
        }
      }
    });
  });

  it('keeps its committee readable for old receipts after changes', async () => {
    const { kit, first } = await setUp();
    const [deployer] = await kit.ethers.getSigners();
    const registry = kit.registry as NodeRegistry;
    await registry.setGovernor(deployer!.address);
    await registry.remove(kit.members[0]!.address);
    const members = await registry.committeeAt(first.header.epoch);
    expect(members[Number(first.header.slot % BigInt(members.length))]).to.equal(first.header.publisher);
  });
});
