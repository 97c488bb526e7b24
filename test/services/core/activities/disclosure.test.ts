import { expect } from 'chai';
import { signTrust } from '../../../../services/core/activities/certificate.ts';
import {
  asDisclosure,
  type Disclosure,
  disclosureText,
  makeDisclosure,
  parseDisclosure,
} from '../../../../services/core/activities/disclosure.ts';
import type { HeadOf, ShownHead } from '../../../../services/core/activities/message.ts';
import { signParcel } from '../../../../services/core/activities/parcel.ts';
import { sealDigest, sealOf } from '../../../../services/core/activities/sealed.ts';
import { verifyDisclosure } from '../../../../services/core/activities/verifyDisclosure.ts';
import type { Hash } from '../../../../services/core/bytes.ts';
import type { Receipt } from '../../../../services/core/receipt.ts';
import { packFields } from '../../../../services/lib/activities/fieldDigests.ts';
import { Sealer } from '../../../../services/lib/activities/seal.ts';
import { begin, person, randomHash } from '../../../support/activityKit.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { network } from '../receiptKit.ts';
import { crypto, type Notarised, notarised, parties, plainBody, receiptFor, verifyRecord } from './disclosureKit.ts';

const [buyer, seller] = parties;
const content = { order: 'PO-1', price: 120, buyer: { name: 'ACME' } };

const verify = (disclosure: Disclosure, receipt: Receipt) =>
  verifyDisclosure(disclosure, receipt, { verifyRecord, crypto });

async function outcome(disclosure: Disclosure, receipt: Receipt): Promise<string> {
  const { ok, steps, shown } = await verify(disclosure, receipt);
  const failed = steps.find(({ status }) => status === 'failed');
  expect(ok).to.equal(failed === undefined);
  if (failed) expect(shown).to.deep.equal({});
  return failed ? `${failed.step} ${failed.code}` : 'ok';
}

describe('the disclosure of a message', () => {
  let plain: Notarised;
  let inFields: Notarised;
  before(async () => {
    plain = await notarised(plainBody(content));
    inFields = await notarised(await packFields(content));
  });

  it('shows a body, and nothing else', async () => {
    const disclosure = makeDisclosure(plain.message, plain.seal, { body: true });
    const { ok, shown, steps } = await verify(disclosure, plain.receipt);
    expect(ok, JSON.stringify(steps)).to.equal(true);
    expect(shown).to.deep.equal({ message: plain.message.id, body: { value: content } });
    const done = steps.filter(({ status }) => status === 'passed').map(({ step }) => step);
    expect(done).to.deep.equal([
      'form',
      'body',
      'message',
      'seal',
      'content',
      'record',
      'inclusion',
      'block',
      'quorum',
    ]);
    const text = disclosureText(disclosure);
    const { head, attachments } = plain.message as typeof plain.message & { head: HeadOf<'start'> };
    const secrets = [head.activity, head.group, plain.secret, buyer.address, seller.address, seller.key, 'order.pdf'];
    for (const secret of [...secrets, attachments.list[0]!.key, attachments.salt, head.salt])
      expect(text).not.to.contain(secret.slice(2));
  });

  it('shows single fields of a body that was notarised in fields', async () => {
    const disclosure = makeDisclosure(inFields.message, inFields.seal, { body: ['/buyer/name'] });
    const { ok, shown } = await verify(disclosure, inFields.receipt);
    expect(ok).to.equal(true);
    expect(shown.body?.value).to.deep.equal({ buyer: { name: 'ACME' } });
    expect(shown.body?.fields).to.deep.include({ hidden: 2, author: buyer.address });
    expect(shown.author).to.equal(buyer.address);
    const decoded = disclosureText(disclosure)
      .match(/[\w-]+/g)!
      .map((part) => Buffer.from(part, 'base64url').toString());
    expect(decoded.some((part) => part.includes('"name"'))).to.equal(true);
    for (const part of decoded) expect(part).not.to.contain('"price"');
    await expectCode('activity-field-unknown', () => makeDisclosure(inFields.message, inFields.seal, { body: ['/x'] }));
    await expectCode('request-invalid', () => makeDisclosure(plain.message, plain.seal, { body: ['/order'] }));
  });

  it('shows who sent it to whom, without what would link other records', async () => {
    const disclosure = makeDisclosure(plain.message, plain.seal, { author: true });
    const { ok, shown } = await verify(disclosure, plain.receipt);
    expect(ok).to.equal(true);
    expect(shown).to.deep.equal({ message: plain.message.id, author: buyer.address });
    const head = disclosure.author!.head as Extract<ShownHead, { type: 'start' }>;
    expect(head.membership.members.map(({ address }) => address)).to.have.members(
      parties.map(({ address }) => address),
    );
    const { origin } = plain.message.head as HeadOf<'start'>;
    for (const hidden of [plain.secret.slice(2), origin.signature.slice(2), 'PO-1'])
      expect(disclosureText(disclosure)).not.to.contain(hidden);
    expect(head.origin).to.have.keys('initiator', 'salt', 'signatureDigest');
    // Nobody shows it by mistake: it is no disclosure then.
    await expectCode('disclosure-malformed', () =>
      asDisclosure({ ...disclosure, author: { ...disclosure.author, head: { ...head, origin } } }),
    );
  });

  it('shows that a device has said so, in one piece or field by field', async () => {
    const terminal = person(9);
    const others = await packFields({ ...content, price: 1 });
    for (const body of [plainBody(content), await packFields(content)]) {
      const { message, seal, receipt } = await notarised(body, { device: terminal });
      const author = makeDisclosure(message, seal, { author: true });
      const { ok, shown, steps } = await verify(author, receipt);
      expect(ok, JSON.stringify(steps)).to.equal(true);
      expect(shown).to.include({ author: buyer.address, device: terminal.address });
      // Of fields their digests are there, and none of them is shown.
      if ('packed' in body)
        expect(shown.body).to.deep.include({ value: {} }).and.nested.include({ 'fields.hidden': 3 });
      else expect(shown).to.not.have.property('body');
      const fields = 'packed' in body ? ['price'] : true;
      const some = await verify(makeDisclosure(message, seal, { author: true, body: fields }), receipt);
      expect(some.shown).to.deep.include({ device: terminal.address });
      expect(some.shown.body?.value).to.deep.equal(fields === true ? content : { price: 120 });
      // Its operator has put other fields, or another body, under its word.
      const said = 'packed' in body ? others : plainBody({ ...content, price: 1 });
      const lie = await notarised(body, { device: terminal, said });
      const shownLie = makeDisclosure(lie.message, lie.seal, { author: true });
      expect(await outcome(shownLie, lie.receipt)).to.equal('author device-credential-invalid');
    }
    const { message, seal, receipt } = await notarised(await packFields(content), { device: terminal });
    const { body: _, ...without } = makeDisclosure(message, seal, { author: true });
    expect(await outcome(without as Disclosure, receipt)).to.equal('author disclosure-author-invalid');
  });

  it('shows an attachment without the others and without its key', async () => {
    const disclosure = makeDisclosure(plain.message, plain.seal, { attachments: [1] });
    expect(await outcome(disclosure, plain.receipt)).to.equal('ok');
    const [one, other] = plain.message.attachments.list;
    expect(disclosure.attachments!.shown[0]!.attachment).to.include({ name: other!.name, digest: other!.digest });
    const text = disclosureText(disclosure);
    for (const hidden of [one!.name, one!.digest, one!.key, other!.key]) expect(text).not.to.contain(hidden);
    await expectCode('request-invalid', () => makeDisclosure(plain.message, plain.seal, { attachments: [2] }));
    await expectCode('request-invalid', () => makeDisclosure(plain.message, plain.seal, {}));
  });

  it('is refused with any character of its file changed', async () => {
    const all = { author: true, attachments: [1] };
    const files: [Disclosure, Receipt][] = [
      [makeDisclosure(plain.message, plain.seal, { ...all, body: true }), plain.receipt],
      [makeDisclosure(inFields.message, inFields.seal, { body: ['/buyer/name'] }), inFields.receipt],
    ];
    for (const [disclosure, receipt] of files) {
      const text = disclosureText(disclosure);
      expect(await outcome(parseDisclosure(text), receipt)).to.equal('ok');
      for (let at = 0; at < text.length; at++) {
        const changed = text.slice(0, at) + (text[at] === '0' ? '1' : '0') + text.slice(at + 1);
        let verdict: string;
        try {
          verdict = await outcome(parseDisclosure(changed), receipt);
        } catch (error) {
          verdict = (error as { code: string }).code;
        }
        expect(verdict, `${at}: ${changed.slice(Math.max(0, at - 20), at + 20)}`).to.match(
          /disclosure-|activity-fields-invalid/,
        );
      }
    }
  });

  it('has a code for each step', async () => {
    const good = makeDisclosure(plain.message, plain.seal, { body: true, author: true, attachments: [0] });
    const fields = makeDisclosure(inFields.message, inFields.seal, { body: ['order'] });
    const other = await notarised(plainBody(content));
    const { commitments, seal, author } = good;
    const of = (changes: object) => outcome({ ...good, ...changes } as Disclosure, plain.receipt);
    expect(await of({})).to.equal('ok');
    expect(await of({ format: 'x' })).to.equal('form disclosure-malformed');
    expect(await of({ body: plainBody(content) })).to.equal('body disclosure-body-mismatch');
    expect(await of({ body: { ...(good.body as object), body: { ...content, price: 1 } } })).to.equal(
      'body disclosure-body-mismatch',
    );
    expect(
      await outcome(
        { ...fields, body: { ...(fields.body as { disclosures: string[] }), disclosures: ['WyJhIl0'] } as never },
        inFields.receipt,
      ),
    ).to.equal('body activity-fields-invalid');
    expect(await of({ author: { ...author!, head: { ...author!.head, salt: randomHash() } } })).to.equal(
      'author disclosure-head-mismatch',
    );
    expect(await of({ author: { ...author!, signature: `0x${'00'.repeat(65)}` } })).to.equal(
      'author disclosure-author-invalid',
    );
    const { attachments } = good;
    expect(await of({ attachments: { ...attachments!, salt: randomHash() } })).to.equal(
      'attachments disclosure-attachment-mismatch',
    );
    const [first] = attachments!.shown;
    for (const shown of [
      { ...first!, index: 1 },
      { ...first!, index: 2 },
      { ...first!, attachment: { ...first!.attachment, name: 'x' } },
    ])
      expect(await of({ attachments: { ...attachments!, shown: [shown] } })).to.equal(
        'attachments disclosure-attachment-mismatch',
      );
    const alone = makeDisclosure(plain.message, plain.seal, { body: true });
    expect(await outcome({ ...alone, commitments: { ...commitments, head: randomHash() } }, plain.receipt)).to.equal(
      'message disclosure-message-mismatch',
    );
    expect(await outcome({ ...alone, seal: other.seal }, plain.receipt)).to.equal(
      'message disclosure-message-mismatch',
    );
    expect(await outcome({ ...alone, seal: { ...seal, protected: 'e30' } }, plain.receipt)).to.equal(
      'message disclosure-message-mismatch',
    );
    expect(await outcome({ ...alone, seal: { ...seal, ciphertextDigest: randomHash() } }, plain.receipt)).to.equal(
      'seal disclosure-seal-mismatch',
    );
    expect(await outcome(good, other.receipt)).to.equal('seal disclosure-seal-mismatch');
  });

  it('needs a record that is one of an activity, of this group and network', async () => {
    const disclosure = makeDisclosure(plain.message, plain.seal, { body: true });
    const digest = sealDigest(plain.seal);
    const cases: object[] = [{ kind: 'evidence' }, { subject: 'urn:notarium:activity:00' }];
    for (const changes of cases)
      expect(await outcome(disclosure, await receiptFor(digest, plain.seal, changes))).to.equal(
        'seal disclosure-seal-mismatch',
      );
    expect(await outcome(disclosure, await receiptFor(digest, plain.seal))).to.equal('ok');
    const moved = await notarised(plainBody(content), { where: { ...network, chainId: 1 } });
    const [of, there] = [makeDisclosure(moved.message, moved.seal, { author: true }), moved.receipt];
    expect(await outcome(of, there)).to.equal('seal disclosure-seal-mismatch');
  });

  it('is no better than its receipt', async () => {
    const disclosure = makeDisclosure(plain.message, plain.seal, { body: true });
    const { receipt } = plain;
    const verdicts = [
      await outcome(disclosure, { ...receipt, signatures: receipt.signatures.slice(1) }),
      await outcome(disclosure, { ...receipt, proof: { ...receipt.proof, leafIndex: 0 } }),
      await outcome(disclosure, { ...receipt, entry: 'AAAA' }),
      await outcome(disclosure, {} as Receipt),
    ];
    expect(verdicts).to.deep.equal([
      'quorum receipt-quorum-missing',
      'inclusion receipt-inclusion-mismatch',
      'record receipt-record-invalid',
      'record receipt-malformed',
    ]);
  });

  it('of fields that somebody else has signed than the sender is refused', async () => {
    const stolen = await notarised(await packFields(content), { fieldsBy: seller });
    const both = makeDisclosure(stolen.message, stolen.seal, { body: true, author: true });
    expect(await outcome(both, stolen.receipt)).to.equal('author disclosure-author-invalid');
  });

  it('of fields that were signed for another message is refused, whoever shows what of that', async () => {
    const { head, attachments, body } = inFields.message;
    const own = await begin([seller], { secret: randomHash() });
    const { fields } = head;
    // The seller has the fields, and a message of its own, or one of the same head with other files: both notarised by it.
    const others = [
      { head: { ...own.head, network: head.network, fields }, attachments: own.attachments, body },
      { head, attachments: own.attachments, body },
      { head: { ...own.head, network: head.network, fields }, attachments, body },
    ];
    for (const parcel of others) {
      const message = await signParcel(network, parcel as never, seller.signer);
      const seal = sealOf(new Sealer().seal(message, randomHash(), [seller]));
      const receipt = await receiptFor(sealDigest(seal), seal);
      const disclosure = makeDisclosure(message, seal, { body: ['price'] });
      expect(await outcome(disclosure, receipt)).to.equal('body activity-fields-invalid');
    }
  });

  it('shows the signatures of a certificate only if they are right', async () => {
    const on = randomHash();
    const by = [...parties].sort((a, b) => (a.address < b.address ? -1 : 1));
    const members = by.map(({ address }) => address);
    const signed = async (message: Hash, { signer, address }: (typeof parties)[number]) => ({
      member: address,
      signature: await signTrust(network, { message, members }, signer),
    });
    const of = async (signatures: HeadOf<'certificate'>['signatures']) => {
      const { terms: _, membership: __, secret: ___, origin: ____, ...common } = plain.message.head as HeadOf<'start'>;
      const head = { ...common, type: 'certificate' as const, on, members, signatures };
      const message = await signParcel(network, { ...plain.message, head }, buyer.signer);
      const disclosure = makeDisclosure(message, plain.seal, { author: true });
      return outcome(disclosure, plain.receipt);
    };
    const good = await Promise.all(by.map((one) => signed(on, one)));
    expect(await of(good)).to.equal('message disclosure-message-mismatch');
    expect(await of(good.toReversed())).to.equal('author trust-certificate-invalid');
    expect(await of([good[0]!, good[0]!])).to.equal('author trust-certificate-invalid');
    expect(await of([await signed(randomHash(), by[0]!)])).to.equal('author trust-certificate-invalid');
  });

  it('is read strictly', async () => {
    const disclosure = makeDisclosure(plain.message, plain.seal, { body: true, receipt: plain.receipt });
    const text = disclosureText(disclosure);
    expect(parseDisclosure(text)).to.deep.equal(disclosure);
    expect(parseDisclosure(Buffer.from(text.trimEnd()))).to.deep.equal(disclosure);
    const { body: _, ...nothing } = disclosure;
    await expectCode('disclosure-malformed', () => asDisclosure(nothing));
    await expectCode('disclosure-malformed', () => asDisclosure({ ...disclosure, more: 1 }));
    const pretty = JSON.stringify(disclosure, null, 2);
    for (const bad of [
      '',
      '{}',
      pretty,
      `${text}\n`,
      ` ${text}`,
      text.replace('{', '{"format":"x",'),
      Buffer.from([0xff]),
    ])
      await expectCode('disclosure-malformed', () => parseDisclosure(bad));
  });
});
