import { expect } from 'chai';
import {
  certificateDigest,
  certificateSalt,
  makeCertificate,
  type TrustCertificate,
} from '../../../../services/core/activities/certificate.ts';
import { blindedGroup } from '../../../../services/core/activities/sealed.ts';
import { parseCertificate, verifyCertificate } from '../../../../services/core/activities/verifyCertificate.ts';
import { canonicalText } from '../../../../services/core/canonicalJson.ts';
import type { Receipt } from '../../../../services/core/receipt.ts';
import { randomHash } from '../../../support/activityKit.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { network } from '../receiptKit.ts';
import { certificateOf, crypto, receiptFor, verifyRecord } from './disclosureKit.ts';

describe('a trust certificate, by its receipt', () => {
  let certificate: TrustCertificate;
  let receipt: Receipt;
  before(async () => {
    certificate = await certificateOf();
    receipt = await receiptFor(certificateDigest(certificate));
  });
  const outcome = async (given: TrustCertificate, by = receipt): Promise<string> => {
    const { ok, steps } = await verifyCertificate(given, by, { verifyRecord, crypto });
    const failed = steps.find(({ status }) => status === 'failed');
    expect(ok).to.equal(failed === undefined);
    return failed ? `${failed.step} ${failed.code}` : 'ok';
  };

  it('holds with all signatures over one version, and its digest in the log', async () => {
    expect(await outcome(certificate)).to.equal('ok');
    expect(parseCertificate(JSON.stringify(certificate, null, 2))).to.deep.equal(certificate);
  });

  it('fails with another version, signature, order, network or receipt', async () => {
    const { signatures } = certificate;
    expect(await outcome({ ...certificate, message: randomHash() })).to.equal('signatures trust-certificate-invalid');
    expect(await outcome({ ...certificate, signatures: signatures.toReversed() })).to.equal(
      'signatures trust-certificate-invalid',
    );
    expect(await outcome({ ...certificate, signatures: [signatures[0]!, ...signatures] })).to.equal(
      'signatures trust-certificate-invalid',
    );
    const swapped = signatures.map(({ member }, index) => ({
      member,
      signature: signatures[(index + 1) % 3]!.signature,
    }));
    expect(await outcome({ ...certificate, signatures: swapped })).to.equal('signatures trust-certificate-invalid');
    expect(await outcome({ ...certificate, signatures: signatures.slice(1) })).to.equal(
      'content receipt-content-mismatch',
    );
    expect(await outcome(certificate, await receiptFor(randomHash()))).to.equal('content receipt-content-mismatch');
    const elsewhere = { ...network, chainId: 1 };
    expect(await outcome(await certificateOf(certificate.message, elsewhere))).to.equal(
      'signatures receipt-network-mismatch',
    );
    expect(await outcome(certificate, {} as Receipt)).to.equal('record receipt-malformed');
  });

  it('of two who make the same has nothing in the log that shows that they belong together', () => {
    const { message, members, signatures } = certificate;
    const secret = randomHash();
    const [one, other] = [randomHash(), randomHash()].map((by) => {
      const made = makeCertificate(network, { message, members }, { signatures, salt: certificateSalt(secret, by) });
      const digest = certificateDigest(made);
      return { digest, subject: blindedGroup(secret, digest), salt: made.salt };
    });
    for (const part of ['digest', 'subject', 'salt'] as const) expect(one![part]).not.to.equal(other![part]);
    expect(certificateSalt(randomHash(), one!.digest)).not.to.equal(certificateSalt(secret, one!.digest));
  });

  it('is refused with any character changed', async () => {
    const text = canonicalText(certificate);
    for (let at = 0; at < text.length; at++) {
      const changed = text.slice(0, at) + (text[at] === '0' ? '1' : '0') + text.slice(at + 1);
      let verdict: string;
      try {
        verdict = await outcome(parseCertificate(changed));
      } catch (error) {
        verdict = (error as { code: string }).code;
      }
      expect(verdict, `${at}`).to.match(/trust-certificate-|receipt-content-mismatch/);
    }
    for (const bad of ['', '{}', '[]', text.replace('{', '{"more":1,')])
      await expectCode('trust-certificate-malformed', () => parseCertificate(bad));
  });
});
