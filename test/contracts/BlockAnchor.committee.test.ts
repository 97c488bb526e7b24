import { expect } from 'chai';
import { computeAddress, concat, dataSlice, SigningKey, TypedDataEncoder, toBeHex, ZeroAddress } from 'ethers';
import type { BlockAnchor } from '../../types/ethers-contracts/index.ts';
import { compact, createKit, type Header, memberOf, mirrored, quorumOf, signAs } from './support/anchorKit.ts';
import { changed, refused, setUp } from './support/blockCases.ts';
import { hex } from './support/referenceTree.ts';

describe('BlockAnchor', () => {
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

    it('takes no true signature whose s is in the upper half, but its mirror image', async () => {
      const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
      const power = (base: bigint, exponent: bigint): bigint => {
        let result = 1n;
        for (let b = base % order, e = exponent; e > 0n; e >>= 1n, b = (b * b) % order)
          if (e & 1n) result = (result * b) % order;
        return result;
      };
      // An s that EIP-2098 can hold and EIP-2 forbids comes about once in 2^128 signatures, so the key is made to fit:
      // d = (s k - z) / r for a nonce k of our choice. The second member's address is in no header, thus z stays.
      const draft = await createKit({ size: 2 });
      const evenSlot = draft.firstSlot - (draft.firstSlot % 2n);
      const { header } = draft.blockOn(undefined, { slot: evenSlot });
      const z = BigInt(draft.digestOf(header));
      const k = 0x1234567890abcdefn;
      const point = SigningKey.computePublicKey(toBeHex(k, 32), false);
      const r = BigInt(dataSlice(point, 1, 33));
      const s = order / 2n + 12_345n;
      const d = ((((s * k - z) % order) + order) * power(r, order - 2n)) % order;
      const key = new SigningKey(toBeHex(d, 32));
      const kit = await createKit({ size: 2, members: [memberOf(0), { address: computeAddress(key), key }] });
      expect(kit.digestOf(header)).to.equal(draft.digestOf(header));
      const yParity = BigInt(dataSlice(point, 64)) & 1n;
      const block = kit.blockOn(undefined, { slot: evenSlot }, { signers: [0, 1] });
      const withSecond = (parity: bigint, value: bigint): string =>
        concat([dataSlice(block.signatures, 0, 64), toBeHex(r, 32), toBeHex((parity << 255n) | value, 32)]);
      const upper = withSecond(yParity, s);
      await refused(kit, { ...block, signatures: upper }, 'SignatureMalleable', [1n, toBeHex(s, 32)]);
      await kit.mined({ ...block, signatures: withSecond(1n - yParity, order - s) });
      expect(await kit.anchor.head()).to.equal(1n);
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
});

function blockType(name: string): string {
  if (name === 'publisher') return 'address';
  return name === 'root' || name === 'parent' ? 'bytes32' : 'uint64';
}
