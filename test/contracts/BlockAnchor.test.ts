import { expect } from 'chai';
import { concat, dataSlice, id, MaxUint256, TypedDataEncoder, toBeHex, ZeroAddress, ZeroHash } from 'ethers';
import { network } from 'hardhat';
import type { BlockAnchor, NodeRegistry } from '../../types/ethers-contracts/index.ts';
import {
  type Block,
  compact,
  createKit,
  entryOf,
  type Header,
  type Kit,
  memberOf,
  mirrored,
  quorumOf,
  signAs,
  zeroHeader,
} from './support/anchorKit.ts';
import { hex, leafHashOf } from './support/referenceTree.ts';

const turned = (word: string): string => toBeHex(BigInt(word) ^ 1n, 32);

describe('BlockAnchor', () => {
  /** A committee of four with one block anchored; `next` is the block that comes next. */
  async function setUp(size = 4) {
    const kit = await createKit({ size });
    const first = kit.blockOn(undefined);
    await kit.mined(first);
    return { kit, first, next: kit.blockOn(first.header) };
  }

  const refused = (kit: Kit, block: Block, error: string, values: unknown[], seconds?: bigint) =>
    expect(kit.send(block, seconds))
      .to.be.revertedWithCustomError(kit.anchor, error)
      .withArgs(...values);

  /** The same block with other header fields, signed anew by the same members. */
  const changed = (kit: Kit, block: Block, fields: Partial<Header>): Block => {
    const header = { ...block.header, ...fields };
    const signers = kit.members.flatMap((_, index) => ((block.bitmap >> BigInt(index)) & 1n ? [index] : []));
    return { ...block, header, ...signAs(kit.members, signers, kit.digestOf(header)) };
  };

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

  describe('committee', () => {
    it('lets nobody publish out of turn', async () => {
      const { kit, next } = await setUp();
      const want = next.header.publisher;
      for (const address of [...kit.members.map((member) => member.address), memberOf(50).address, ZeroAddress]) {
        if (address === want) continue;
        await refused(kit, changed(kit, next, { publisher: address }), 'PublisherMismatch', [address, want]);
      }
    });

    it('takes the current epoch only', async () => {
      const { kit, first, next } = await setUp();
      await refused(kit, changed(kit, next, { epoch: 0n }), 'EpochMismatch', [0n, 1n]);
      await refused(kit, changed(kit, next, { epoch: 2n }), 'EpochMismatch', [2n, 1n]);
      await refused(kit, changed(kit, next, { epoch: 2n ** 64n - 1n }), 'EpochMismatch', [2n ** 64n - 1n, 1n]);
      const [deployer] = await kit.ethers.getSigners();
      await kit.registry.setGovernor(deployer!.address);
      await kit.registry.suspend(kit.members[1]!.address);
      await refused(kit, next, 'EpochMismatch', [1n, 2n]);
      const committee = kit.members.filter((_, index) => index !== 1);
      const second = kit.blockOn(first.header, { epoch: 2n }, { committee });
      await kit.mined(second);
      expect(await kit.anchor.head()).to.equal(2n);
    });

    it('works on over the 128th epoch, where the address of the blob is encoded otherwise', async () => {
      const kit = await createKit({ size: 2 });
      const [deployer] = await kit.ethers.getSigners();
      await kit.registry.setGovernor(deployer!.address);
      let last: Header | undefined;
      for (let epoch = 2n; epoch <= 131n; epoch += 1n) {
        const second = kit.members[1]!.address;
        await (epoch % 2n === 0n ? kit.registry.suspend(second) : kit.registry.activate(second));
        if (epoch < 125n) continue;
        const committee = epoch % 2n === 0n ? kit.members.slice(0, 1) : kit.members;
        const block = kit.blockOn(last, { epoch }, { committee });
        await kit.mined(block);
        last = block.header;
      }
      expect(await kit.anchor.head()).to.equal(7n);
    });

    it('wants floor(2m/3)+1 signatures, the publisher among them', async () => {
      for (const size of [1, 2, 3, 4, 5, 6, 7]) {
        const { kit, first, next } = await setUp(size);
        const turn = kit.members.findIndex(({ address }) => address === next.header.publisher);
        const others = kit.members.flatMap((_, index) => (index === turn ? [] : [index]));
        const need = quorumOf(size);
        const few = kit.blockOn(first.header, {}, { signers: [turn, ...others.slice(0, need - 2)].slice(0, need - 1) });
        if (need > 1) await refused(kit, few, 'QuorumMissed', [BigInt(need - 1), BigInt(need)]);
        const without = kit.blockOn(first.header, {}, { signers: others });
        await refused(kit, without, 'PublisherNotSigned', [next.header.publisher]);
        await kit.mined(kit.blockOn(first.header, {}, { signers: [turn, ...others.slice(0, need - 1)] }));
      }
    });

    it('takes no bit beyond the committee', async () => {
      const { kit, next } = await setUp();
      for (const bit of [4n, 5n, 128n, 255n]) {
        const bitmap = next.bitmap | (1n << bit);
        const signatures = concat([next.signatures, compact(memberOf(60).key, kit.digestOf(next.header))]);
        await refused(kit, { ...next, bitmap, signatures }, 'SignerOutOfRange', [bitmap, 4n]);
      }
    });

    it('takes the signatures of the members whose bits are set, in their order, once each', async () => {
      const { kit, first } = await setUp();
      const block = kit.blockOn(first.header, {}, { signers: [0, 1, 2, 3] });
      const parts = [0, 1, 2, 3].map((index) => dataSlice(block.signatures, index * 64, index * 64 + 64));
      const [a, b, c, d] = parts as [string, string, string, string];
      const address = (index: number) => kit.members[index]!.address;
      const wrong: [string[], unknown[]][] = [
        [
          [b, a, c, d],
          [0n, address(1), address(0)],
        ],
        [
          [a, b, d, c],
          [2n, address(3), address(2)],
        ],
        [
          [a, a, c, d],
          [1n, address(0), address(1)],
        ],
        [
          [a, b, c, c],
          [3n, address(2), address(3)],
        ],
        [
          [a, b, c, compact(memberOf(60).key, kit.digestOf(block.header))],
          [3n, memberOf(60).address, address(3)],
        ],
        [
          [`0x${'00'.repeat(64)}`, b, c, d],
          [0n, ZeroAddress, address(0)],
        ],
      ];
      for (const [list, values] of wrong) {
        await refused(kit, { ...block, signatures: concat(list) }, 'SignerMismatch', values);
      }
      const turn = kit.members.findIndex((member) => member.address === block.header.publisher);
      const shifted = kit.blockOn(first.header, {}, { signers: [0, 1, 2, 3].filter((i) => i !== (turn + 1) % 4) });
      const moved = 15n & ~(1n << BigInt((turn + 2) % 4));
      await expect(kit.send({ ...shifted, bitmap: moved })).to.be.revertedWithCustomError(kit.anchor, 'SignerMismatch');
      await kit.mined(block);
    });

    it('takes exactly 64 bytes a signer', async () => {
      const { kit, next } = await setUp();
      const bytes = 3 * 64;
      for (const [signatures, have] of [
        ['0x', 0],
        [dataSlice(next.signatures, 0, bytes - 1), bytes - 1],
        [dataSlice(next.signatures, 64), bytes - 64],
        [concat([next.signatures, '0x00']), bytes + 1],
        [concat([next.signatures, next.signatures]), 2 * bytes],
      ] as const) {
        await refused(kit, { ...next, signatures }, 'SignaturesLength', [BigInt(have), BigInt(bytes)]);
      }
    });

    it('takes no signature of other bytes', async () => {
      const { kit, next } = await setUp();
      for (const place of [0, 31, 32, 63, 64, 191]) {
        const bytes = Buffer.from(next.signatures.slice(2), 'hex');
        bytes[place]! ^= 1;
        const block = { ...next, signatures: hex(bytes) };
        await expect(kit.send(block)).to.be.revertedWithCustomError(kit.anchor, 'SignerMismatch');
      }
    });

    it('takes no s in the upper half, nor the parity turned', async () => {
      const kit = await createKit({ size: 1 });
      const block = kit.blockOn(undefined);
      const turnedParity = hex(
        Buffer.from(block.signatures.slice(2), 'hex').map((byte, index) => (index === 32 ? byte ^ 0x80 : byte)),
      );
      await expect(kit.send({ ...block, signatures: turnedParity })).to.be.revertedWithCustomError(
        kit.anchor,
        'SignerMismatch',
      );
      // The mirror image of almost every s needs the 256th bit, which EIP-2098 has not: it reads as another signature.
      const { r, s, yParity } = mirrored(block.signatures);
      const mirror = concat([r, toBeHex((BigInt(yParity) << 255n) | (s & (2n ** 255n - 1n)), 32)]);
      await expect(kit.send({ ...block, signatures: mirror })).to.be.revert(kit.ethers);
      // What lies between half of the order and 2^255 does fit, and is refused by its own code.
      const half = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;
      for (const upper of [half + 1n, 2n ** 255n - 1n]) {
        for (const parity of [0n, 1n]) {
          const signatures = concat([r, toBeHex((parity << 255n) | upper, 32)]);
          await refused(kit, { ...block, signatures }, 'SignatureMalleable', [0n, toBeHex(upper, 32)]);
        }
      }
      const edge = concat([r, toBeHex(half, 32)]);
      await expect(kit.send({ ...block, signatures: edge })).to.be.revertedWithCustomError(
        kit.anchor,
        'SignerMismatch',
      );
      await kit.mined(block);
    });

    it('takes no signature made for another chain, contract, name or version', async () => {
      const { kit, next } = await setUp();
      const types = { Block: Object.keys(next.header).map((name) => ({ name, type: blockType(name) })) };
      expect(TypedDataEncoder.hash(kit.domain, types, next.header)).to.equal(kit.digestOf(next.header));
      for (const other of [
        { chainId: kit.chainId + 1n },
        { verifyingContract: memberOf(70).address },
        { name: 'Other' },
        { version: '2' },
      ]) {
        const digest = TypedDataEncoder.hash({ ...kit.domain, ...other }, types, next.header);
        const signers = kit.members.flatMap((_, index) => ((next.bitmap >> BigInt(index)) & 1n ? [index] : []));
        const block = { ...next, ...signAs(kit.members, signers, digest) };
        await expect(kit.send(block)).to.be.revertedWithCustomError(kit.anchor, 'SignerMismatch');
      }
    });

    it('does not take a block of one contract in another one of the same committee', async () => {
      const { kit, first } = await setUp();
      const twin = (await kit.ethers.deployContract('BlockAnchor', [
        await kit.registry.getAddress(),
        kit.periodSeconds,
        kit.graceSeconds,
      ])) as unknown as BlockAnchor;
      const { header, previous, proof, bitmap, signatures } = first;
      await expect(
        twin.anchor(header, previous, proof, bitmap, signatures, { gasLimit: 1_000_000 }),
      ).to.be.revertedWithCustomError(twin, 'SignerMismatch');
    });

    it('may be submitted by anyone', async () => {
      const { kit, next } = await setUp();
      const [, , stranger] = await kit.ethers.getSigners();
      const { header, previous, proof, bitmap, signatures } = next;
      await kit.setTime(kit.begin(header.slot));
      const anchor = kit.anchor.connect(stranger as never) as BlockAnchor;
      await anchor.anchor(header, previous, proof, bitmap, signatures, { gasLimit: 1_000_000 });
      expect(await kit.anchor.head()).to.equal(2n);
    });

    it('refuses header words with bits beyond their types, signed or not', async () => {
      const { kit, next } = await setUp();
      const data = kit.anchor.interface.encodeFunctionData('anchor', [
        next.header,
        next.previous,
        next.proof,
        next.bitmap,
        next.signatures,
      ]);
      for (const word of [0, 1, 2, 5, 6]) {
        const bytes = Buffer.from(data.slice(2), 'hex');
        bytes[4 + 32 * word]! = 1;
        const [from] = await kit.ethers.getSigners();
        await kit.setTime(kit.begin(next.header.slot) + BigInt(word));
        const sent = from!.sendTransaction({ to: kit.contract, data: hex(bytes), gasLimit: 1_000_000 });
        await expect(sent).to.be.revert(kit.ethers);
      }
      expect(await kit.anchor.head()).to.equal(1n);
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

function blockType(name: string): string {
  if (name === 'publisher') return 'address';
  return name === 'root' || name === 'parent' ? 'bytes32' : 'uint64';
}
