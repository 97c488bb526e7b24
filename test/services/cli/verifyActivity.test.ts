import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { certificateDigest, type TrustCertificate } from '../../../services/core/activities/certificate.ts';
import { type Disclosure, disclosureText, makeDisclosure } from '../../../services/core/activities/disclosure.ts';
import { toHex } from '../../../services/core/bytes.ts';
import { canonicalText } from '../../../services/core/canonicalJson.ts';
import { networkName } from '../../../services/core/eip712.ts';
import { packFields } from '../../../services/lib/activities/fieldDigests.ts';
import { randomHash } from '../../support/activityKit.ts';
import { type CliPlace, type CliRun, cli } from '../../support/cliKit.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import {
  certificateOf,
  type Notarised,
  notarised,
  parties,
  plainBody,
  receiptFor,
} from '../core/activities/disclosureKit.ts';
import { committee, network } from '../core/receiptKit.ts';

const [buyer] = parties;
const content = { order: 'PO-1', price: 120, note: '\u001b[31mred', buyer: { name: 'ACME' } };

describe('notarium verify with what shows something of a private activity', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let place: CliPlace;
  let plain: Notarised;
  let inFields: Notarised;
  let certificate: TrustCertificate;
  before(async () => {
    folder = await temporaryFolder();
    place = { cwd: folder.path };
    plain = await notarised(plainBody(content));
    inFields = await notarised(await packFields(content));
    certificate = await certificateOf();
    const trusted = { format: 'notarium-network/1', network: networkName(network), periodSeconds: 1, graceSeconds: 1 };
    await writeFile(join(folder.path, 'network.json'), JSON.stringify({ ...trusted, committees: [committee] }));
  });
  after(() => folder[Symbol.asyncDispose]());

  const verify = async (file: Disclosure | string, receipt: unknown, ...flags: string[]): Promise<CliRun> => {
    const text = typeof file === 'string' ? file : disclosureText(file);
    await writeFile(join(folder.path, 'shown.json'), text);
    await writeFile(join(folder.path, 'receipt.json'), JSON.stringify(receipt));
    return cli(place, 'verify', 'shown.json', 'receipt.json', '--network', 'network.json', ...flags);
  };

  it('prints a body, and by what it is shown', async () => {
    const run = await verify(makeDisclosure(plain.message, plain.seal, { body: true }), plain.receipt);
    expect(run.code, run.stdout + run.stderr).to.equal(0);
    expect(run.stdout).to.match(/^✓ body +this is the body of the message, whole$/m);
    expect(run.stdout).to.match(/^– author +the head is not disclosed: who sent it to whom$/m);
    expect(run.stdout).to.contain(`that belongs to message ${plain.message.id}`);
    expect(run.stdout).to.match(/^✓ content +the record names the digest of this seal$/m);
    expect(run.stdout).to.match(/^✓ quorum +a quorum of the committee of epoch 1 signed that block/m);
    expect(run.stdout).to.match(/^ {4}"price": 120$/m);
    expect(run.stdout)
      .to.match(/^VALID$/m)
      .and.not.to.contain('\u001b');
    expect(run.stdout).not.to.contain(buyer.address);
  });

  it('prints the fields that were chosen, the sender and an attachment', async () => {
    const wish = { body: ['buyer.name'], author: true, attachments: [0] };
    const disclosure = makeDisclosure(inFields.message, inFields.seal, wish);
    const run = await verify(disclosure, inFields.receipt);
    expect(run.code, run.stdout + run.stderr).to.equal(0);
    expect(run.stdout).to.contain(`signed by ${buyer.address}; hidden: 3`);
    expect(run.stdout).to.contain(`${buyer.address} has signed it as start of an activity`);
    expect(run.stdout).to.contain('of 2 attachments: "order.pdf" (SHA-256 ');
    expect(run.stdout).not.to.contain('PO-1');
    // To whom it went, and where something is left out.
    expect(run.stdout).to.contain(`  activity ${inFields.message.head.activity}\n`);
    for (const { address } of parties) expect(run.stdout).to.match(new RegExp(`^  to \\w+ +${address}$`, 'm'));
    expect(run.stdout).to.match(/^ {2}not shown: 3 of the body itself$/m);
    const told = (await verify(disclosure, inFields.receipt, '--json')).json();
    expect(told).to.deep.include({ ok: true, exitCode: 0, kind: 'disclosure', body: { buyer: { name: 'ACME' } } });
    expect(told).to.deep.include({ fields: ['/buyer/name', '/buyer'], hiddenFields: 3, author: buyer.address });
  });

  it('does not let a part of a list be taken for all of it', async () => {
    const { message, seal, receipt } = await notarised(await packFields({ items: [10, 20, 30], note: 'x' }));
    const disclosure = makeDisclosure(message, seal, { body: ['items.1'] });
    const { code, stdout } = await verify(disclosure, receipt);
    expect(code, stdout).to.equal(0);
    expect(stdout)
      .to.match(/^ {2}not shown: 2 of \/items$/m)
      .and.to.match(/^ {2}not shown: 1 of the body itself$/m);
    const told = (await verify(disclosure, receipt, '--json')).json<{ hiddenIn: object[] }>();
    expect(told.hiddenIn).to.have.deep.members([
      { field: '/items', count: 2 },
      { field: '', count: 1 },
    ]);
  });

  it('takes the receipt that a disclosure carries', async () => {
    const disclosure = makeDisclosure(plain.message, plain.seal, { body: true, receipt: plain.receipt });
    await writeFile(join(folder.path, 'alone.json'), disclosureText(disclosure));
    const run = await cli(place, 'verify', 'alone.json', '--network', 'network.json', '--offline');
    expect(run.code, run.stdout + run.stderr).to.equal(0);
    const other = await receiptFor(randomHash());
    expect((await verify(disclosure, other)).code, 'the one that is named comes first').to.equal(114);
  });

  it('prints who has signed a trust certificate', async () => {
    const receipt = await receiptFor(certificateDigest(certificate));
    for (const text of [canonicalText(certificate), JSON.stringify(certificate, null, 2)]) {
      const run = await verify(text, receipt);
      expect(run.code, run.stdout + run.stderr).to.equal(0);
      expect(run.stdout).to.contain(`3 of the 3 to whom message ${certificate.message} went have signed it`);
      for (const { address } of parties) expect(run.stdout).to.contain(`signed by ${address}`);
    }
    const told = (await verify(canonicalText(certificate), receipt, '--json')).json();
    expect(told).to.deep.include({ ok: true, kind: 'trust-certificate', message: certificate.message });
  });

  it('says who has not signed a trust certificate, and claims no reason', async () => {
    const { signatures } = certificate;
    const alone = { ...certificate, signatures: signatures.slice(0, 1) };
    const receipt = await receiptFor(certificateDigest(alone));
    const { code, stdout } = await verify(canonicalText(alone), receipt);
    expect(code, stdout).to.equal(0);
    expect(stdout).to.contain(`1 of the 3 to whom message ${certificate.message} went have signed it`);
    for (const { member } of signatures.slice(1))
      expect(stdout).to.match(new RegExp(`^  not signed by ${member}$`, 'm'));
    expect(stdout).to.contain('why some have not signed, or whether they were members still, it does not show');
    expect((await verify(canonicalText(alone), receipt, '--json')).json()).to.deep.include({
      members: [signatures[0]!.member],
      missing: signatures.slice(1).map(({ member }) => member),
    });
    const whole = await verify(canonicalText(certificate), await receiptFor(certificateDigest(certificate)));
    expect(whole.stdout).not.to.contain('not signed');
  });

  it('says which command verifies an activity by its id', async () => {
    const run = await cli(place, 'verify', '0x12345678', '--network', 'network.json');
    expect(run.code).to.equal(30);
    expect(run.stderr).to.contain('notarium activity verify 0x12345678');
  });

  it('has an exit code for each cause', async () => {
    const good = makeDisclosure(plain.message, plain.seal, { body: true, author: true, attachments: [1] });
    const fields = makeDisclosure(inFields.message, inFields.seal, { body: ['order'] });
    const other = await notarised(plainBody(content));
    const { receipt } = plain;
    const { attachments, author, seal } = good;
    const ofCertificate = await receiptFor(certificateDigest(certificate));
    const { signatures } = certificate;
    const body = fields.body as { disclosures: string[] };
    const codes: [number, CliRun][] = [
      [110, await verify(JSON.stringify(good, null, 2), receipt)],
      [110, await verify(JSON.stringify({ ...certificate, more: 1 }), receipt)],
      [110, await verify({ ...good, format: 'notarium-disclosure/2' as typeof good.format }, receipt)],
      [111, await verify({ ...good, body: plainBody(content) }, receipt)],
      [
        111,
        await verify({ ...fields, body: { ...body, disclosures: [], salt: randomHash() } as never }, inFields.receipt),
      ],
      [111, await verify({ ...fields, body: { ...body, disclosures: ['WyJhIl0'] } as never }, inFields.receipt)],
      [112, await verify({ ...good, author: { ...author!, signature: `0x${'00'.repeat(65)}` } }, receipt)],
      [113, await verify({ ...good, attachments: { ...attachments!, salt: randomHash() } }, receipt)],
      [114, await verify({ ...good, seal: other.seal }, receipt)],
      [114, await verify({ ...good, seal: { ...seal, ciphertextDigest: randomHash() } }, receipt)],
      [114, await verify(good, other.receipt)],
      [115, await verify(JSON.stringify({ ...certificate, message: randomHash() }), ofCertificate)],
      [11, await verify(JSON.stringify({ ...certificate, signatures: signatures.slice(1) }), ofCertificate)],
      [19, await verify(good, { ...receipt, signatures: receipt.signatures.slice(1) })],
      [10, await verify(good, { format: 'notarium-receipt/1' })],
    ];
    for (const [index, [want, run]] of codes.entries()) {
      expect(run.code, `case ${index}: ${run.stdout}${run.stderr}`).to.equal(want);
    }
    const failed = await verify({ ...good, seal: other.seal }, receipt);
    expect(failed.stdout).to.contain('NOT VALID').and.not.to.contain('PO-1');
  });

  it('verifies such a file as any other one where that was notarised itself', async () => {
    for (const text of ['{"format": "notarium-disclosure/1"}', JSON.stringify(certificate, null, 2)]) {
      const receipt = await receiptFor(toHex(createHash('sha256').update(text).digest()));
      const run = await verify(text, receipt);
      expect(run.code, run.stdout + run.stderr).to.equal(0);
      expect(run.stdout).to.contain('these very bytes are what the record names by its digest');
    }
    const notes = await verify('a text about notarium-disclosure/1', plain.receipt);
    expect(notes.code).to.equal(11);
  });
});
