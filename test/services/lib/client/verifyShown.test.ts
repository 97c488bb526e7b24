import { expect } from 'chai';
import { certificateDigest } from '../../../../services/core/activities/certificate.ts';
import { networkName } from '../../../../services/core/eip712.ts';
import {
  disclosureText,
  makeDisclosure,
  parseCertificate,
  parseDisclosure,
  verifyActivityDisclosure,
  verifyTrustCertificate,
} from '../../../../services/index.ts';
import { packFields } from '../../../../services/lib/activities/fieldDigests.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { certificateOf, notarised, parties, receiptFor } from '../../core/activities/disclosureKit.ts';
import { committee, network } from '../../core/receiptKit.ts';

describe('what a private activity shows, verified by a program', () => {
  const basis = { network: networkName(network), committees: [committee] };

  it('is a field of a message, with the receipt that the disclosure carries or one beside it', async () => {
    const { message, seal, receipt } = await notarised(await packFields({ order: 'PO-1', price: 120 }));
    const made = makeDisclosure(message, seal, { body: ['price'], receipt });
    const disclosure = parseDisclosure(disclosureText(made));
    const { ok, shown } = await verifyActivityDisclosure(disclosure, basis);
    expect(ok).to.equal(true);
    expect(shown.body?.value).to.deep.equal({ price: 120 });
    expect(shown.author).to.equal(parties[0].address);
    const { receipt: _, ...bare } = disclosure;
    await expectCode('request-invalid', verifyActivityDisclosure(bare, basis));
    expect((await verifyActivityDisclosure(bare, basis, receipt)).ok).to.equal(true);
    const other = (await notarised(await packFields({ order: 'PO-2' }))).receipt;
    const refused = await verifyActivityDisclosure(disclosure, basis, other);
    expect(refused).to.deep.include({ ok: false, shown: {} });
    expect(refused.steps.find(({ status }) => status === 'failed')?.code).to.equal('disclosure-seal-mismatch');
  });

  it('is a trust certificate', async () => {
    const certificate = await certificateOf();
    const receipt = await receiptFor(certificateDigest(certificate));
    const read = parseCertificate(JSON.stringify(certificate));
    expect((await verifyTrustCertificate(read, receipt, basis)).ok).to.equal(true);
    const fewer = { ...certificate, signatures: certificate.signatures.slice(1) };
    expect((await verifyTrustCertificate(fewer, receipt, basis)).ok).to.equal(false);
    const elsewhere = { ...basis, network: networkName({ ...network, chainId: network.chainId + 1 }) };
    expect((await verifyTrustCertificate(certificate, receipt, elsewhere)).ok).to.equal(false);
  });
});
