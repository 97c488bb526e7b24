import { expect } from 'chai';
import {
  type BlockHeader,
  type BlockSignature,
  blockHash,
  blockHeaderSchema,
  checkBlockSignatures,
  zeroHash,
} from '../../../services/core/block.ts';
import { fromHex, type Hash, toHex } from '../../../services/core/bytes.ts';
import { type Committee, quorumOf } from '../../../services/core/committee.ts';
import { type Crypto, portableCrypto } from '../../../services/core/crypto.ts';
import { compactSignature } from '../../../services/core/signature.ts';
import { codeOf } from '../../support/codeOf.ts';
import { ethersSigner, network, signaturesOf } from './receiptKit.ts';

const all = Array.from({ length: 17 }, (_, index) => ethersSigner(index + 1));

/** A committee of m, a header of its second member's slot, and everybody's signatures, the publisher's first. */
async function blockOf(m: number) {
  const members = all.slice(0, m);
  const committee: Committee = { epoch: 3, members: members.map(({ address }) => address) };
  const turn = 1 % m;
  const header: BlockHeader = {
    height: 2,
    slot: 5 * m + turn,
    treeSize: 9,
    root: `0x${'12'.repeat(32)}` as Hash,
    parent: `0x${'34'.repeat(32)}` as Hash,
    epoch: 3,
    publisher: members[turn]!.address,
  };
  const signatures = await signaturesOf(header, [members[turn]!, ...members.filter((_, index) => index !== turn)]);
  return { members, committee, header, signatures };
}

const compacted = (item: BlockSignature): BlockSignature => ({
  ...item,
  signature: toHex(compactSignature(fromHex(item.signature))),
});

describe('block', () => {
  it('needs the quorum exactly, for committees of 1 to 16', async () => {
    for (let m = 1; m <= 16; m++) {
      const { committee, header, signatures } = await blockOf(m);
      const quorum = quorumOf(m);
      const check = (count: number): string =>
        codeOf(() => checkBlockSignatures(network, header, signatures.slice(0, count), committee));
      expect(check(quorum), `${quorum} of ${m}`).to.equal('none');
      expect(check(m), `all of ${m}`).to.equal('none');
      expect(check(quorum - 1), `${quorum - 1} of ${m}`).to.equal('receipt-quorum-missing');
    }
  });

  it('takes signatures of 64 and 65 bytes, in any order', async () => {
    const { committee, header, signatures } = await blockOf(4);
    const mixed = signatures.slice(0, 3).map((item, index) => (index % 2 === 0 ? compacted(item) : item));
    for (const order of [mixed, mixed.toReversed(), mixed.map(compacted)]) {
      expect(codeOf(() => checkBlockSignatures(network, header, order, committee))).to.equal('none');
    }
  });

  it('counts no member twice, no stranger, and nobody for another', async () => {
    const { committee, header, signatures, members } = await blockOf(4);
    const [publisher, second, third] = signatures as [BlockSignature, BlockSignature, BlockSignature];
    const [stranger] = (await signaturesOf(header, [all[16]!])) as [BlockSignature];
    const code = (...list: BlockSignature[]): string =>
      codeOf(() => checkBlockSignatures(network, header, list, committee));
    expect(code(publisher, second, second)).to.equal('receipt-quorum-missing');
    expect(code(publisher, second, compacted(second))).to.equal('receipt-quorum-missing');
    expect(code(publisher, second, stranger)).to.equal('receipt-quorum-missing');
    expect(code(publisher, second, { ...second, signer: third.signer })).to.equal('receipt-quorum-missing');
    expect(code(publisher, second, { ...third, signature: `0x${'00'.repeat(65)}` })).to.equal('receipt-quorum-missing');
    expect(code(publisher, stranger, second, second, third)).to.equal('none');
    const [other] = (await signaturesOf({ ...header, treeSize: 10 }, [members[2]!])) as [BlockSignature];
    expect(code(publisher, second, other)).to.equal('receipt-quorum-missing');
  });

  it('needs the publisher among the quorum', async () => {
    const { committee, header, signatures } = await blockOf(4);
    expect(codeOf(() => checkBlockSignatures(network, header, signatures.slice(1), committee))).to.equal(
      'receipt-quorum-missing',
    );
  });

  it('refuses another epoch, turn and network', async () => {
    const { committee, header, signatures } = await blockOf(4);
    const code = (changes: Partial<BlockHeader>): string =>
      codeOf(() => checkBlockSignatures(network, { ...header, ...changes }, signatures, committee));
    expect(code({ epoch: 2 })).to.equal('receipt-committee-unknown');
    expect(code({ slot: header.slot + 1 })).to.equal('receipt-publisher-not-turn');
    expect(code({ publisher: committee.members[2]! })).to.equal('receipt-publisher-not-turn');
    expect(code({ slot: header.slot + 4 })).to.equal('receipt-quorum-missing');
    expect(code({ root: zeroHash })).to.equal('receipt-quorum-missing');
    const elsewhere = { ...network, chainId: 1 };
    expect(codeOf(() => checkBlockSignatures(elsewhere, header, signatures, committee))).to.equal(
      'receipt-quorum-missing',
    );
  });

  it('passes over wrong signatures under a name, wherever the right one stands', async () => {
    const { committee, header, signatures } = await blockOf(4);
    const [publisher, second, third] = signatures as [BlockSignature, BlockSignature, BlockSignature];
    const wrong: BlockSignature[] = [
      { ...publisher, signature: second.signature },
      { ...publisher, signature: `0x${'00'.repeat(65)}` },
    ];
    for (const list of [
      [...wrong, publisher, second, third],
      [publisher, ...wrong, second, third],
      [second, third, ...wrong, publisher],
    ]) {
      expect(codeOf(() => checkBlockSignatures(network, header, list, committee))).to.equal('none');
    }
  });

  it('tries nothing more of a member that has signed', async () => {
    const { committee, header, signatures } = await blockOf(4);
    let tries = 0;
    const crypto: Crypto = {
      ...portableCrypto,
      recover(...call) {
        tries++;
        return portableCrypto.recover(...call);
      },
    };
    const list = Array.from({ length: 200 }, () => signatures[1]!);
    expect(codeOf(() => checkBlockSignatures(network, header, list, committee, crypto))).to.equal(
      'receipt-quorum-missing',
    );
    expect(tries).to.equal(1);
  });

  it('passes on a fault that is not the signature', async () => {
    const { committee, header, signatures } = await blockOf(1);
    const broken: Crypto = {
      ...portableCrypto,
      keccak256() {
        throw new Error('broken');
      },
    };
    expect(() => checkBlockSignatures(network, header, signatures, committee, broken)).to.throw('broken');
  });

  it('has a hash that every field changes', async () => {
    const { header } = await blockOf(4);
    const variants = [
      header,
      { ...header, height: 3 },
      { ...header, slot: header.slot + 1 },
      { ...header, treeSize: 10 },
      { ...header, root: zeroHash },
      { ...header, parent: zeroHash },
      { ...header, epoch: 4 },
      { ...header, publisher: all[0]!.address },
    ];
    expect(new Set(variants.map((variant) => blockHash(network, variant))).size).to.equal(variants.length);
  });

  it('has a header of one form', async () => {
    const { header } = await blockOf(4);
    expect(blockHeaderSchema.parse(header)).to.deep.equal(header);
    for (const changes of [
      { height: 0 },
      { treeSize: 0 },
      { slot: -1 },
      { slot: 2 ** 53 },
      { epoch: 0.5 },
      { root: '0x' },
      { parent: `0x${'AB'.repeat(32)}` },
      { publisher: `0x${'AB'.repeat(20)}` },
      { extra: 1 },
    ]) {
      expect(blockHeaderSchema.safeParse({ ...header, ...changes }).success, JSON.stringify(changes)).to.equal(false);
    }
  });
});
