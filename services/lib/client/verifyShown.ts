import type { TrustCertificate } from '../../core/activities/certificate.ts';
import type { Disclosure } from '../../core/activities/disclosure.ts';
import { type CertificateVerifyResult, verifyCertificate } from '../../core/activities/verifyCertificate.ts';
import {
  type DisclosureVerifyResult,
  type VerifyRecord,
  verifyDisclosure,
} from '../../core/activities/verifyDisclosure.ts';
import { NotariumError } from '../../core/errors.ts';
import type { Receipt } from '../../core/receipt.ts';
import { loadCrypto } from '../nativeCrypto.ts';
import { type VerifyBasis, verifyDigest } from './verifyContent.ts';

/**
 * Verifies what a disclosure shows of a private activity: that this is what was notarised, down to the block, by what the verifier relies
 * on. What it shows stands in `shown`, and is there only where all steps have passed. No centre is asked.
 * @param receipt The receipt of its record, where the disclosure does not carry it.
 * @throws NotariumError `request-invalid` without any receipt, and as {@link verifyDigest}; a disclosure that is not what it should be is
 *   no exception but a verdict.
 */
export async function verifyActivityDisclosure(
  disclosure: Disclosure,
  basis: VerifyBasis,
  receipt: Receipt | undefined = disclosure.receipt,
): Promise<DisclosureVerifyResult> {
  if (!receipt)
    throw new NotariumError('request-invalid', 'the disclosure carries no receipt: give the one of its record');
  return await verifyDisclosure(disclosure, receipt, await recordVerifier(basis));
}

/**
 * Verifies a trust certificate: those that it names have signed, and it was notarised. What they have signed, only a member can say.
 * @throws NotariumError as {@link verifyDigest}; a certificate that is not what it should be is no exception but a verdict.
 */
export async function verifyTrustCertificate(
  certificate: TrustCertificate,
  receipt: Receipt,
  basis: VerifyBasis,
): Promise<CertificateVerifyResult> {
  return await verifyCertificate(certificate, receipt, await recordVerifier(basis));
}

async function recordVerifier(basis: VerifyBasis) {
  const crypto = basis.crypto ?? (await loadCrypto());
  const verifyRecord: VerifyRecord = (digest, given) => verifyDigest(digest, given, { ...basis, crypto });
  return { crypto, verifyRecord };
}
