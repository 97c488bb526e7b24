import { expect } from 'chai';
import fc from 'fast-check';
import { blockHash, zeroHash } from '../../../services/core/block.ts';
import {
  type Address,
  fromBase64,
  fromHex,
  type Hash,
  hexDigits,
  toBase64,
  toHex,
} from '../../../services/core/bytes.ts';
import type { NotariumError } from '../../../services/core/errors.ts';
import { type Receipt, withInnerProof } from '../../../services/core/receipt.ts';
import { compactSignature } from '../../../services/core/signature.ts';
import {
  type AnchorPlace,
  assertReceipt,
  receiptSteps,
  type VerifyOptions,
  type VerifyResult,
  verifyReceipt,
  verifyReceiptOffline,
} from '../../../services/core/verifyReceipt.ts';
import { expectCode } from '../../support/expectCode.ts';
import { flipped, sha256Of } from './log/reference.ts';
import {
  aggregateOf,
  centres,
  committee,
  fileDigest,
  network,
  receiptsOf,
  recordOf,
  signaturesOf,
} from './receiptKit.ts';

const statuses = ({ steps }: VerifyResult): string => steps.map(({ status }) => status[0]).join('');
const failure = ({ steps }: VerifyResult): string | undefined => {
  const failed = steps.find(({ status }) => status === 'failed');
  return failed && `${failed.step} ${failed.code}`;
};
const flipHex = (text: string, at = 0): string => {
  const start = text.startsWith('0x') ? 2 : 0;
  return text.slice(0, start) + hexDigits(flipped(fromHex(text), at));
};

describe('core/verifyReceipt', () => {
  let receipt: Receipt;
  let member: Receipt;
  let other: Receipt;
  const count = 9;
  const committees = [committee];
  let offline: VerifyOptions;
  let online: VerifyOptions;
  let entryText: string;

  before(async () => {
    const { aggregate, record } = await aggregateOf(count);
    const receipts = await receiptsOf([
      await recordOf(1),
      await recordOf(2),
      record,
      await recordOf(3),
      await recordOf(4),
    ]);
    receipt = receipts[3]!;
    other = receipts[1]!;
    member = withInnerProof(receipts[2]!, { leafIndex: 6, treeSize: count, path: aggregate.proofOf(6) });
    entryText = Buffer.from(receipt.entry, 'base64').toString();
    offline = { contentDigest: fileDigest(3), network, committees };
    online = { contentDigest: fileDigest(3), network, chainBlockHash: async () => blockHash(network, receipt.block) };
  });

  const check = async (changed: Receipt, options: VerifyOptions = offline) =>
    failure(await verifyReceipt(changed, options));
  const withEntry = (text: string | Uint8Array): Receipt => ({
    ...receipt,
    entry: toBase64(typeof text === 'string' ? new TextEncoder().encode(text) : text),
  });

  it('passes offline, online and both', async () => {
    expect(statuses(await verifyReceipt(receipt, offline))).to.equal('pppppss');
    expect(statuses(await verifyReceipt(receipt, online))).to.equal('ppppsps');
    const both = await verifyReceipt(receipt, { ...offline, ...online });
    expect(statuses(both)).to.equal('pppppps');
    expect(both.ok).to.equal(true);
    expect(both.steps.map(({ step }) => step)).to.deep.equal(receiptSteps);
    expect(both.record?.subject).to.equal('urn:file:3');
    expect(both.recordId).to.equal((await recordOf(3)).id);
    expect(both.blockHash).to.equal(blockHash(network, receipt.block));
    expect(verifyReceiptOffline(receipt, offline)).to.deep.equal(await verifyReceipt(receipt, offline));
  });

  it('has a verdict on what is no receipt', async () => {
    const { signatures: _, ...unsigned } = receipt;
    const malformed = [
      { ...receipt, entry: '!!' },
      { ...receipt, block: { ...receipt.block, height: '1' } },
      { ...receipt, block: null },
      { ...receipt, proof: { ...receipt.proof, path: ['zz'] } },
      { ...receipt, inner: {} },
      { ...receipt, more: 1 },
      unsigned,
      null,
      undefined,
      'receipt',
      [],
    ] as unknown as Receipt[];
    for (const value of malformed) {
      for (const options of [offline, online, {}]) {
        expect(await check(value, options), JSON.stringify(value)).to.equal('record receipt-malformed');
      }
      expect(failure(verifyReceiptOffline(value, offline))).to.equal('record receipt-malformed');
      await expectCode('receipt-malformed', assertReceipt(value, offline));
    }
  });

  it('passes without content and expected network, and with a look-up of committees', async () => {
    expect(statuses(await verifyReceipt(receipt, { committees }))).to.equal('sppppss');
    const found = await verifyReceipt(receipt, { committees: (epoch) => (epoch === 1 ? committee : undefined) });
    expect(found.ok).to.equal(true);
  });

  it('fails where nothing ties the block to what the verifier knows', async () => {
    expect(await check(receipt, {})).to.equal('quorum receipt-committee-unknown');
    expect(await check(receipt, { committees: [] })).to.equal('quorum receipt-committee-unknown');
    expect(await check(receipt, { committees: () => undefined })).to.equal('quorum receipt-committee-unknown');
    expect(await check(receipt, { committees: [{ ...committee, epoch: 2 }] })).to.equal(
      'quorum receipt-committee-unknown',
    );
  });

  it('asks the chain for the transaction of the anchor, and refuses another one, another place and another time', async () => {
    const { transactionHash, blockNumber, timestamp } = receipt.anchor;
    const asked: unknown[] = [];
    const withAnchor = (found: AnchorPlace | 'unknown' | undefined) => ({
      ...online,
      chainAnchor: async (query: unknown) => {
        asked.push(query);
        return found;
      },
    });
    expect(statuses(await verifyReceipt(receipt, withAnchor({ blockNumber, timestamp })))).to.equal('ppppspp');
    expect(asked).to.deep.equal([
      { height: receipt.block.height, blockHash: blockHash(network, receipt.block), transactionHash, blockNumber },
    ]);
    for (const found of [
      undefined,
      { blockNumber: blockNumber + 1, timestamp },
      { blockNumber, timestamp: timestamp + 1 },
    ]) {
      expect(await check(receipt, withAnchor(found))).to.equal('anchor receipt-anchor-mismatch');
    }
    // A node that has forgotten the transaction says nothing against it.
    const forgotten = await verifyReceipt(receipt, withAnchor('unknown'));
    expect(statuses(forgotten)).to.equal('ppppsps');
    expect(forgotten.ok).to.equal(true);
    expect(forgotten.steps.at(-1)?.detail).to.equal('this node does not know the transaction of the anchor any more');
  });

  it('skips what follows a failure', async () => {
    const failed = await verifyReceipt(receipt, { ...offline, ...online, contentDigest: fileDigest(4) });
    expect(statuses(failed)).to.equal('fssssss');
    expect(failed.ok).to.equal(false);
    const step = failed.steps[0]!;
    expect(step.data).to.deep.equal({
      have: `sha-256:${hexDigits(fileDigest(4))}`,
      want: `sha-256:${hexDigits(fileDigest(3))}`,
    });
  });

  it('refuses content with any bit changed', async () => {
    for (let byte = 0; byte < 32; byte++) {
      const contentDigest = flipped(fileDigest(3), byte, byte % 8);
      expect(await check(receipt, { ...offline, contentDigest })).to.equal('content receipt-content-mismatch');
    }
    expect(await check(receipt, { ...offline, contentDigest: new Uint8Array(0) })).to.equal(
      'content receipt-content-mismatch',
    );
  });

  it('refuses an entry that is no record, or not the one that was signed', async () => {
    const invalid = 'record receipt-record-invalid';
    expect(await check(withEntry(''))).to.equal(invalid);
    expect(await check(withEntry(`${entryText} `))).to.equal(invalid);
    expect(await check(withEntry(entryText.replace('"v":1', '"v":2')))).to.equal(invalid);
    expect(await check(withEntry(entryText.replace('{', '{"a":1,')))).to.equal(invalid);
    expect(await check(withEntry(Uint8Array.of(0xff)))).to.equal(invalid);
    const unsigned = 'record receipt-record-signature-invalid';
    expect(await check(withEntry(entryText.replace('urn:file:3', 'urn:file:4')))).to.equal(unsigned);
    expect(await check(withEntry(entryText.replace('01:30', '01:31')))).to.equal(unsigned);
    expect(await check(withEntry(entryText.replace('"evidence"', '"database"')))).to.equal(unsigned);
    const submitter = /"submitter":"(0x[0-9a-f]{40})"/.exec(entryText)![1]!;
    expect(await check(withEntry(entryText.replace(submitter, flipHex(submitter))))).to.equal(unsigned);
    const digest = hexDigits(fileDigest(3));
    expect(await check(withEntry(entryText.replace(digest, flipHex(digest))))).to.equal(
      'content receipt-content-mismatch',
    );
    expect(await check(withEntry(entryText.replace(digest, flipHex(digest))), { committees })).to.equal(unsigned);
  });

  it('never passes with a byte of the entry changed', () => {
    const entry = fromBase64(receipt.entry);
    fc.assert(
      fc.property(fc.nat(entry.length - 1), fc.nat(7), (at, bit) => {
        const result = verifyReceiptOffline(withEntry(flipped(entry, at, bit)), offline);
        expect(failure(result)).to.be.oneOf([
          'content receipt-content-mismatch',
          'record receipt-record-invalid',
          'record receipt-network-mismatch',
          'record receipt-record-signature-invalid',
        ]);
      }),
      { numRuns: 60 },
    );
  });

  it('refuses the receipt of another network', async () => {
    for (const expected of [
      { ...network, chainId: 1 },
      { ...network, contract: zeroHash.slice(0, 42) as Address },
    ]) {
      expect(await check(receipt, { ...offline, network: expected })).to.equal('record receipt-network-mismatch');
    }
  });

  it('refuses an inclusion proof with anything changed', async () => {
    const { proof } = receipt;
    const mismatch = 'inclusion receipt-inclusion-mismatch';
    for (const changed of [
      { ...proof, leafIndex: proof.leafIndex + 1 },
      { ...proof, leafIndex: proof.leafIndex - 1 },
      { ...proof, leafIndex: proof.treeSize },
      { ...proof, treeSize: 2 },
      { ...proof, treeSize: 2 * proof.treeSize },
      { ...proof, path: proof.path.slice(1) },
      { ...proof, path: proof.path.slice(0, -1) },
      { ...proof, path: [...proof.path, proof.path[0]!] },
      { ...proof, path: other.proof.path },
    ]) {
      expect(await check({ ...receipt, proof: changed })).to.equal(mismatch);
    }
    for (const [at, item] of proof.path.entries()) {
      for (let byte = 0; byte < 32; byte++) {
        const path = proof.path.with(at, flipHex(item, byte));
        expect(failure(verifyReceiptOffline({ ...receipt, proof: { ...proof, path } }, offline))).to.equal(mismatch);
      }
    }
    expect(await check({ ...receipt, entry: other.entry }, { committees })).to.equal(mismatch);
    expect(
      await check({ ...receipt, block: { ...receipt.block, root: flipHex(receipt.block.root) as Hash } }),
    ).to.equal(mismatch);
  });

  it('refuses a header or an anchor that does not fit the proof and the record', async () => {
    const { block, anchor } = receipt;
    const mismatch = 'block receipt-block-mismatch';
    expect(await check({ ...receipt, block: { ...block, treeSize: block.treeSize + 1 } })).to.equal(mismatch);
    expect(await check({ ...receipt, anchor: { ...anchor, chainId: 1 } })).to.equal(mismatch);
    expect(await check({ ...receipt, anchor: { ...anchor, contract: flipHex(anchor.contract) as Address } })).to.equal(
      mismatch,
    );
  });

  it('refuses every other changed header field, offline and online', async () => {
    const { block } = receipt;
    const cases = [
      [{ height: 2 }, 'receipt-quorum-missing'],
      [{ slot: block.slot + 4 }, 'receipt-quorum-missing'],
      [{ slot: block.slot + 1 }, 'receipt-publisher-not-turn'],
      [{ parent: flipHex(block.parent) as Hash }, 'receipt-quorum-missing'],
      [{ epoch: 2 }, 'receipt-committee-unknown'],
      [{ publisher: committee.members[2]! }, 'receipt-publisher-not-turn'],
    ] as const;
    for (const [change, code] of cases) {
      const changed = { ...receipt, block: { ...block, ...change } };
      expect(await check(changed), JSON.stringify(change)).to.equal(`quorum ${code}`);
      expect(await check(changed, online), JSON.stringify(change)).to.equal('chain receipt-chain-mismatch');
    }
  });

  it('refuses fewer signatures than the quorum, however they are filled up', async () => {
    const { signatures, block } = receipt;
    const [first, second, third] = signatures;
    const missing = 'quorum receipt-quorum-missing';
    const outsider = (await signaturesOf(block, [{ ...centres[3]!, address: `0x${'77'.repeat(20)}` as Address }]))[0]!;
    const flippedSignature = { ...third!, signature: flipHex(third!.signature, 40) as Hash };
    for (const changed of [
      [],
      [first!, second!],
      [first!, second!, second!],
      [first!, second!, outsider],
      [first!, second!, flippedSignature],
      [first!, second!, { ...third!, signer: committee.members[3]! }],
      [first!, second!, { ...third!, signature: second!.signature }],
    ]) {
      expect(await check({ ...receipt, signatures: changed })).to.equal(missing);
    }
    // A quorum without the publisher is none.
    const withoutPublisher = await signaturesOf(block, [centres[0]!, centres[2]!, centres[3]!]);
    expect(await check({ ...receipt, signatures: withoutPublisher })).to.equal(missing);
    expect(await check({ ...receipt, signatures: [third!, first!, second!] })).to.equal(undefined);
    const compact = signatures.map((one) => ({ ...one, signature: toHex(compactSignature(fromHex(one.signature))) }));
    expect(await check({ ...receipt, signatures: compact })).to.equal(undefined);
  });

  it('does not let a quorum that was found valid once stand for another one', async () => {
    expect(await check(receipt)).to.equal(undefined);
    const strangers = {
      epoch: 1,
      members: [committee.members[1]!, committee.members[0]!, ...committee.members.slice(2)],
    };
    expect(await check(receipt, { committees: [strangers] })).to.equal('quorum receipt-publisher-not-turn');
    const larger = {
      epoch: 1,
      members: [...committee.members, ...committee.members.map((address) => flipHex(address) as Address)],
    };
    expect(await check(receipt, { committees: [larger] })).to.not.equal(undefined);
    expect(await check({ ...receipt, signatures: receipt.signatures.slice(1) })).to.equal(
      'quorum receipt-quorum-missing',
    );
  });

  it('asks the chain', async () => {
    const heights: number[] = [];
    const chain = (stored: Hash): VerifyOptions => ({
      chainBlockHash: async (height) => {
        heights.push(height);
        return stored;
      },
    });
    const hash = blockHash(network, receipt.block);
    expect(await check(receipt, chain(hash))).to.equal(undefined);
    expect(await check(receipt, chain(flipHex(hash) as Hash))).to.equal('chain receipt-chain-mismatch');
    expect(await check(receipt, chain(zeroHash))).to.equal('chain receipt-not-anchored');
    expect(heights).to.deep.equal([1, 1, 1]);
    const down = async () => Promise.reject(new Error('no answer'));
    const error = await verifyReceipt(receipt, { chainBlockHash: down }).catch((thrown: Error) => thrown.message);
    expect(error).to.equal('no answer');
  });

  it('throws the failed step where asked to', async () => {
    expect((await assertReceipt(receipt, offline)).ok).to.equal(true);
    const error: NotariumError = await assertReceipt(receipt, { ...offline, contentDigest: fileDigest(0) }).catch(
      (thrown) => thrown,
    );
    expect(error.code).to.equal('receipt-content-mismatch');
    expect(error.data.step).to.equal('content');
  });

  describe('for a member of an aggregate', () => {
    it('passes with both proofs, and without the content', async () => {
      expect(statuses(await verifyReceipt(member, { committees }))).to.equal('sppppss');
      expect(statuses(await verifyReceipt(member, { ...offline, contentDigest: fileDigest(6) }))).to.equal('pppppss');
      expect(await check(member, { committees })).to.equal(undefined);
    });

    it('refuses an inner proof with anything changed', async () => {
      const mismatch = 'content receipt-inner-proof-mismatch';
      const options = { ...offline, contentDigest: fileDigest(6) };
      const inner = member.inner!;
      expect(await check(member, { ...options, contentDigest: fileDigest(5) })).to.equal(mismatch);
      for (const changed of [
        { ...inner, leafIndex: 5 },
        { ...inner, treeSize: count + 1 },
        { ...inner, treeSize: count - 1 },
        { ...inner, path: inner.path.slice(1) },
        { ...inner, path: [...inner.path, inner.path[0]!] },
        ...inner.path.map((item, at) => ({ ...inner, path: inner.path.with(at, flipHex(item, at)) })),
      ]) {
        expect(await check({ ...member, inner: changed }, options)).to.equal(mismatch);
      }
      expect(await check({ ...receipt, inner }, offline)).to.equal(mismatch);
    });

    it('does not take the halves of the root for a content', async () => {
      const { inner: _, ...plain } = member;
      const root = plain && fromHex(JSON.parse(Buffer.from(plain.entry, 'base64').toString()).digest.slice(8));
      expect(await check(plain, { ...offline, contentDigest: root })).to.equal('content receipt-content-mismatch');
      expect(await check(plain, { ...offline, contentDigest: sha256Of([1]) })).to.equal(
        'content receipt-content-mismatch',
      );
    });
  });
});
