import { expect } from 'chai';
import fc from 'fast-check';
import { fromHex, type Hash, toHex, utf8 } from '../../../../services/core/bytes.ts';
import {
  type ChannelReceipt,
  channelReceiptText,
  isChannelReceipt,
  parseChannelReceipt,
} from '../../../../services/core/channels/channelReceipt.ts';
import {
  type ChannelEvidenceAnswer,
  type ChannelEvidenceQuery,
  type ChannelVerifyOptions,
  channelReceiptSteps,
  verifyChannelReceipt,
} from '../../../../services/core/channels/verifyChannelReceipt.ts';
import { sha256 } from '../../../../services/core/sha256.ts';
import { compactSignature } from '../../../../services/core/signature.ts';
import { flipped } from '../log/reference.ts';
import { type PaidChannel, paidChannel, randomParty, statementOf } from './channelReceiptKit.ts';

describe('core/channels/verifyChannelReceipt', () => {
  let paid: PaidChannel;
  let receipt: ChannelReceipt;
  let member: ChannelReceipt;
  let offline: ChannelVerifyOptions;
  before(async () => {
    paid = await paidChannel();
    receipt = paid.receipts[2]!;
    member = paid.members[3]!;
    offline = { network: paid.network, contentDigest: sha256(paid.contents[2]!) };
  });

  /** The first failed step and its code, or `valid`. */
  const verdict = async (given: ChannelReceipt, options: ChannelVerifyOptions = offline): Promise<string> => {
    const result = await verifyChannelReceipt(given, options);
    expect(result.steps.map(({ step }) => step)).to.deep.equal([...channelReceiptSteps]);
    const at = result.steps.findIndex(({ status }) => status === 'failed');
    expect(result.ok).to.equal(at === -1);
    if (at === -1) return 'valid';
    for (const { status } of result.steps.slice(at + 1)) expect(status).to.equal('skipped');
    return `${result.steps[at]!.step} ${result.steps[at]!.code}`;
  };
  const flip = (text: Hash): Hash => toHex(flipped(fromHex(text), 5));

  it('takes each receipt and each member of a batch, by the state that both have signed', async () => {
    for (const [index, given] of paid.receipts.slice(0, -1).entries()) {
      expect(await verdict(given, { ...offline, contentDigest: sha256(paid.contents[index]!) })).to.equal('valid');
    }
    for (const [index, given] of paid.members.entries()) {
      expect(await verdict(given, { ...offline, contentDigest: sha256(paid.batch[index]!) })).to.equal('valid');
    }
    const result = await verifyChannelReceipt(receipt, offline);
    expect(result.steps.map(({ status }) => status)).to.deep.equal([...Array(6).fill('passed'), 'skipped']);
    const short = { ...receipt, billSignature: toHex(compactSignature(fromHex(receipt.billSignature))) };
    expect(await verdict(short)).to.equal('valid');
  });

  it('goes through its file and back', async () => {
    const text = channelReceiptText(member);
    expect(parseChannelReceipt(text)).to.deep.equal(member);
    expect(isChannelReceipt(JSON.parse(text))).to.equal(true);
    expect(isChannelReceipt({ format: 'notarium-receipt/1' })).to.equal(false);
    expect(isChannelReceipt(null)).to.equal(false);
  });

  it('refuses what has not its form', () => {
    const good = JSON.parse(channelReceiptText(receipt));
    const bad = (change: object): void => {
      expect(() => parseChannelReceipt(JSON.stringify({ ...good, ...change })))
        .to.throw()
        .with.property('code', 'channel-receipt-malformed');
    };
    bad({ format: 'notarium-channel-receipt/2' });
    bad({ more: 1 });
    bad({ key: '0x12' });
    bad({ statements: [good.statements[0]] });
    bad({ bill: { ...good.bill, amount: 1000 } });
    bad({ bill: { ...good.bill, amount: '01' } });
    bad({ bill: { ...good.bill, count: 0 } });
    bad({ channel: { ...good.channel, amount: (2n ** 128n).toString() } });
    bad({ proof: { ...good.proof, path: Array(65).fill('00'.repeat(32)) } });
    expect(() => parseChannelReceipt(`${'['.repeat(9)}`))
      .to.throw()
      .with.property('code', 'json-too-deep');
    expect(() => parseChannelReceipt(JSON.stringify({ ...good, more: 'x'.repeat(70_000) })))
      .to.throw()
      .with.property('code', 'json-too-large');
  });

  it('names the step for each thing that was changed', async () => {
    const { bill, statements, state, proof } = receipt;
    const [first, second] = statements;
    const stranger = randomParty();
    const cases: [string, ChannelReceipt, Partial<ChannelVerifyOptions>?][] = [
      ['content channel-receipt-content-mismatch', receipt, { contentDigest: sha256(utf8('other')) }],
      ['content channel-receipt-content-mismatch', paid.receipts.at(-1)!],
      ['content channel-receipt-inner-proof-mismatch', member],
      [
        'content channel-receipt-inner-proof-mismatch',
        { ...member, inner: { ...member.inner!, treeSize: 6 } },
        { contentDigest: sha256(paid.batch[3]!) },
      ],
      ['bill receipt-network-mismatch', receipt, { network: { ...paid.network, chainId: 1 } }],
      ['bill receipt-network-mismatch', receipt, { network: { ...paid.network, contract: stranger.address } }],
      ['bill channel-receipt-bill-invalid', receipt, { verifier: stranger.address }],
      ['bill channel-receipt-bill-invalid', { ...receipt, channel: { ...receipt.channel, salt: 8n } }],
      ['bill channel-receipt-bill-invalid', { ...receipt, bill: { ...bill, amount: bill.amount + 1n } }],
      ['bill channel-receipt-bill-invalid', { ...receipt, bill: { ...bill, id: flip(bill.id) } }],
      ['bill channel-receipt-bill-invalid', { ...receipt, billSignature: `0x${'00'.repeat(65)}` }],
      [
        'bill channel-receipt-bill-invalid',
        { ...receipt, inner: { leafIndex: 0, treeSize: 1, path: [] } },
        { contentDigest: undefined },
      ],
      ['key channel-receipt-key-mismatch', { ...receipt, key: flip(receipt.key) }],
      ['statements channel-receipt-statement-invalid', { ...receipt, statements: [second, first] }],
      ['statements channel-receipt-statement-invalid', { ...receipt, statements: [first, first] }],
      [
        'statements channel-receipt-statement-invalid',
        { ...receipt, statements: [first, { ...second, locator: 'https://other.invalid/' }] },
      ],
      [
        'statements channel-receipt-statement-invalid',
        { ...receipt, statements: [first, await statementOf(paid.network, stranger, bill, 'requester')] },
      ],
      [
        'statements channel-receipt-statement-invalid',
        { ...receipt, statements: [{ ...first, publicKey: second.publicKey }, second] },
      ],
      [
        'inclusion channel-receipt-inclusion-mismatch',
        { ...receipt, proof: { ...proof, leafIndex: proof.leafIndex + 1 } },
      ],
      ['inclusion channel-receipt-inclusion-mismatch', { ...receipt, root: flip(receipt.root) }],
      ['inclusion channel-receipt-inclusion-mismatch', { ...receipt, proof: { ...proof, path: proof.path.slice(1) } }],
      ['state channel-receipt-unsettled', { ...receipt, state: undefined }],
      [
        'state channel-receipt-state-invalid',
        { ...receipt, state: { ...state!, state: { ...state!.state, version: 3 } } },
      ],
      [
        'state channel-receipt-state-invalid',
        { ...receipt, state: { ...state!, verifierSignature: state!.requesterSignature } },
      ],
      [
        'state channel-receipt-state-invalid',
        { ...receipt, state: { ...state!, state: { ...state!.state, evidenceCount: 8 } } },
      ],
    ];
    for (const [index, [want, given, more]] of cases.entries()) {
      expect(await verdict(given, { ...offline, ...more }), `case ${index}`).to.equal(want);
    }
    expect(await verdict(receipt, { ...offline, verifier: paid.verifier.address })).to.equal('valid');
  });

  it('asks the chain, and then needs no signed state', async () => {
    const settlement = { kind: 'settled', transactionHash: `0x${'ab'.repeat(32)}`, blockNumber: 12 } as const;
    const settled: ChannelReceipt = { ...receipt, state: undefined, settlement };
    const asked: ChannelEvidenceQuery[] = [];
    const online = (answer: ChannelEvidenceAnswer): ChannelVerifyOptions => ({
      ...offline,
      chainEvidence: async (query) => {
        asked.push(query);
        return answer;
      },
    });
    expect(await verdict(settled, online({ isUnder: true, transaction: 'fits' }))).to.equal('valid');
    const { bill, proof, root } = receipt;
    expect(asked).to.deep.equal([{ channelId: bill.channelId, digest: bill.digest, proof, root, settlement }]);
    expect(await verdict(settled, online({ isUnder: true, transaction: 'unknown' }))).to.equal('valid');
    expect(await verdict(settled, online({ isUnder: true, transaction: 'differs' }))).to.equal(
      'chain channel-receipt-chain-mismatch',
    );
    expect(await verdict(settled, online({ isUnder: false }))).to.equal('chain channel-receipt-chain-mismatch');
    expect(await verdict(receipt, online({ isUnder: false }))).to.equal('chain channel-receipt-unsettled');
    asked.length = 0;
    expect(await verdict({ ...settled, key: flip(receipt.key) }, online({ isUnder: true }))).to.contain('key ');
    expect(asked).to.deep.equal([]);
  });

  it('takes no receipt in which any hexadecimal digit differs', async () => {
    const text = channelReceiptText(member);
    const options = { ...offline, contentDigest: sha256(paid.batch[3]!) };
    const places = [...text.matchAll(/[0-9a-f]{40,}/g)].flatMap(({ index, 0: digits }) =>
      [...digits].map((_, at) => index + at),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places), fc.integer({ min: 1, max: 15 }), async (place, add) => {
        const digit = ((Number.parseInt(text[place]!, 16) + add) % 16).toString(16);
        const given = parseChannelReceipt(text.slice(0, place) + digit + text.slice(place + 1));
        expect(await verdict(given, options)).not.to.equal('valid');
      }),
      { numRuns: 300 },
    );
  });
});
