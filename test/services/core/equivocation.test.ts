import { expect } from 'chai';
import { type BlockHeader, zeroHash } from '../../../services/core/block.ts';
import { type Address, fromHex, type Hash, type Hex, toHex } from '../../../services/core/bytes.ts';
import type { Network } from '../../../services/core/eip712.ts';
import { checkEquivocation, type SignedHeader, signedHeaderSchema } from '../../../services/core/equivocation.ts';
import { compactSignature, type Signer } from '../../../services/core/signature.ts';
import { codeOf } from '../../support/codeOf.ts';
import { expectCode } from '../../support/expectCode.ts';
import { centres, ethersSigner, network, signaturesOf } from './receiptKit.ts';

const [publisher, voter] = centres as [Signer, Signer];

const header: BlockHeader = {
  height: 7,
  slot: 40,
  treeSize: 21,
  root: `0x${'12'.repeat(32)}` as Hash,
  parent: `0x${'34'.repeat(32)}` as Hash,
  epoch: 3,
  publisher: publisher.address,
};

async function signed(changes: Partial<BlockHeader> = {}, signer: Signer = voter): Promise<SignedHeader> {
  const changed = { ...header, ...changes };
  const [item] = await signaturesOf(changed, [signer]);
  return { header: changed, signature: item!.signature };
}

const compacted = ({ signature, ...rest }: SignedHeader): SignedHeader => ({
  ...rest,
  signature: toHex(compactSignature(fromHex(signature))),
});

describe('checkEquivocation', () => {
  it('names who signed two blocks of one slot, publisher or not, in any order and both forms of signature', async () => {
    for (const signer of [publisher, voter, ethersSigner(99)]) {
      const first = await signed({}, signer);
      const second = await signed({ root: `0x${'56'.repeat(32)}` as Hash }, signer);
      for (const [one, two] of [
        [first, second],
        [second, first],
        [compacted(first), second],
        [first, compacted(second)],
        [compacted(first), compacted(second)],
      ] as const) {
        expect(checkEquivocation(network, one, two)).to.equal(signer.address);
      }
    }
  });

  it('takes a difference in any field but the slot', async () => {
    const first = await signed();
    const changes: Partial<BlockHeader>[] = [
      { height: 8 },
      { treeSize: 22 },
      { root: zeroHash },
      { parent: zeroHash },
      { epoch: 4 },
      { publisher: voter.address },
    ];
    for (const change of changes) {
      expect(checkEquivocation(network, first, await signed(change))).to.equal(voter.address);
    }
  });

  it('is not proved by the same block twice, two slots or two signers', async () => {
    const first = await signed();
    const expectUnproven = async (second: SignedHeader, detail: string): Promise<void> => {
      const error = await expectCode('block-no-equivocation', () => checkEquivocation(network, first, second));
      expect(error.detail).to.equal(detail);
      expect(error.data).to.have.all.keys('have', 'want');
    };
    await expectUnproven(first, 'the same block twice');
    await expectUnproven(compacted(first), 'the same block twice');
    await expectUnproven(await signed({}, publisher), 'the same block twice');
    await expectUnproven(await signed({ slot: 41 }), 'two slots');
    await expectUnproven(await signed({ height: 8 }, publisher), 'two signers');
  });

  it('holds in the network that was signed for only', async () => {
    const [first, second] = [await signed(), await signed({ height: 8 })];
    const others: Network[] = [
      { ...network, chainId: 1 },
      { ...network, contract: `0x${'77'.repeat(20)}` as Address },
    ];
    for (const other of others) {
      // A signature over other bytes recovers to somebody, to another for each of the two.
      expect(codeOf(() => checkEquivocation(other, first, second))).to.equal('block-no-equivocation');
    }
  });

  it('takes no signature of another form', async () => {
    const [first, second] = [await signed(), await signed({ height: 8 })];
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
    const high = (order - BigInt(`0x${second.signature.slice(66, 130)}`)).toString(16).padStart(64, '0');
    const flipped = second.signature.endsWith('1b') ? '1c' : '1b';
    const cases: [string, Hex][] = [
      ['signature-malleable', `${second.signature.slice(0, 66)}${high}${flipped}` as Hex],
      ['signature-malformed', second.signature.slice(0, 128) as Hex],
      ['signature-malformed', `${second.signature.slice(0, 130)}00` as Hex],
      ['signature-mismatch', `0x${'00'.repeat(64)}`],
    ];
    for (const [code, signature] of cases) {
      expect(codeOf(() => checkEquivocation(network, first, { ...second, signature }))).to.equal(code);
      expect(codeOf(() => checkEquivocation(network, { ...second, signature }, first))).to.equal(code);
    }
  });

  it('comes from outside in one form', async () => {
    const item = await signed();
    expect(signedHeaderSchema.parse(structuredClone(item))).to.deep.equal(item);
    expect(signedHeaderSchema.safeParse({ ...item, more: 1 }).success).to.equal(false);
    expect(signedHeaderSchema.safeParse({ ...item, signature: '0x00' }).success).to.equal(false);
    expect(signedHeaderSchema.safeParse({ ...item, header: { ...header, slot: -1 } }).success).to.equal(false);
  });
});
