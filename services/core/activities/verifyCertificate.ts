import { type Address, fromHex } from '../bytes.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import { parseNetworkName } from '../eip712.ts';
import { NotariumError } from '../errors.ts';
import type { Receipt } from '../receipt.ts';
import { recordIn } from '../recordIn.ts';
import { type StepResult, StepRun } from '../StepRun.ts';
import { parseStrictJson } from '../strictJson.ts';
import { type ReceiptStep, receiptSteps, type VerifyResult } from '../verifyReceipt.ts';
import { certificateDigest, certificateSchema, checkSignatures, type TrustCertificate } from './certificate.ts';
import type { VerifyRecord } from './verifyDisclosure.ts';

/** Largest file of a trust certificate, in bytes. */
export const maxCertificateBytes = 64 * 1024;

/** Outcome of a verification; `ok` when no step failed. */
export type CertificateVerifyResult = {
  readonly ok: boolean;
  readonly steps: readonly StepResult<'signatures' | ReceiptStep>[];
  readonly receipt?: VerifyResult;
};

/**
 * Reads the file of a trust certificate. It checks the form only: see {@link verifyCertificate}.
 * @throws NotariumError `trust-certificate-malformed`.
 */
export function parseCertificate(text: string | Uint8Array): TrustCertificate {
  try {
    return certificateSchema.parse(parseStrictJson(text, { maxSize: maxCertificateBytes, maxDepth: 4 }));
  } catch (cause) {
    throw new NotariumError('trust-certificate-malformed', undefined, { cause });
  }
}

/**
 * Verifies a trust certificate by the receipt of its digest: those whom it names have signed, and it was notarised. Each has signed for the
 * list of those whom the version went to: who of them is missing, {@link missingIn} tells. What they have signed, only who knows the version
 * with that id can say.
 */
export async function verifyCertificate(
  certificate: TrustCertificate,
  receipt: Receipt,
  options: { readonly verifyRecord: VerifyRecord; readonly crypto?: Crypto | undefined },
): Promise<CertificateVerifyResult> {
  const { crypto = portableCrypto, verifyRecord } = options;
  const steps = new StepRun(['signatures']);
  steps.make('signatures', () => checkCertificate(certificate, receipt, crypto));
  const record = steps.hasFailed
    ? undefined
    : await verifyRecord(fromHex(certificateDigest(certificate, crypto.sha256)), receipt);
  return {
    ok: record?.ok === true,
    steps: [...steps.results(), ...(record?.steps ?? new StepRun(receiptSteps).results())],
    ...(record ? { receipt: record } : {}),
  };
}

/**
 * Whom the version went to, and who has not signed. Members take a certificate only where those have left, but whoever has signed can have
 * one notarised without them: to others it shows nothing of why they are missing.
 */
export function missingIn({ members, signatures }: Pick<TrustCertificate, 'members' | 'signatures'>): Address[] {
  return members.filter((address) => !signatures.some(({ member }) => member === address));
}

function checkCertificate(certificate: TrustCertificate, receipt: Receipt, crypto: Crypto): void {
  const { network, signatures } = certificate;
  checkSignatures(parseNetworkName(network)!, certificate, signatures, crypto);
  const record = recordIn(receipt, crypto);
  if (!record || record.network === network) return;
  throw new NotariumError('receipt-network-mismatch', 'the certificate is of another network', {
    data: { have: network, want: record.network },
  });
}
