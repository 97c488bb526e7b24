import { attestationDigest, entryHashOf } from '../../core/admission/attestation.ts';
import { type Report, sealedReport } from '../../core/admission/report.ts';
import type { SessionAnswer } from '../../core/admission/sessionAnswer.ts';
import { toHex, utf8 } from '../../core/bytes.ts';
import { canonicalText } from '../../core/canonicalJson.ts';
import { NotariumError } from '../../core/errors.ts';
import { compactSignature } from '../../core/signature.ts';
import type { AdmissionParts } from './AdmissionParts.ts';
import type { SessionBasis } from './Session.ts';

type Parts = Pick<AdmissionParts, 'chain' | 'signer' | 'crypto' | 'contents' | 'notices' | 'admissionSettings'>;

/**
 * Attests what was found out, or where the candidate has brought the report of another authenticator along, the very same as
 * that one: the registry takes several signatures of one application only.
 * @param own The report of this authenticator.
 * @returns the report that the application is about, and the attestation.
 * @throws NotariumError `authenticator-missing` where it may attest no longer; the codes of the chain.
 */
export async function attest(
  parts: Parts,
  { request, rules }: Pick<SessionBasis, 'request' | 'rules'>,
  own: Report,
): Promise<SessionAnswer> {
  const { chain, signer, crypto, contents, notices, admissionSettings } = parts;
  const { candidate, entry, confirms } = request;
  const report = confirms?.report ?? own;
  const [node, self] = await Promise.all([chain.admission.node(candidate), chain.admission.node(signer.address)]);
  if (!self.isAuthenticator) throw new NotariumError('authenticator-missing');
  if (confirms) await contents.put(utf8(canonicalText(report)));
  const application = {
    entryHash: entryHashOf(entry, crypto.keccak256),
    manifestHash: rules.manifestHash,
    profileDigest: sealedReport(report, crypto).hash,
    score: report.score,
    expiry: confirms?.expiry ?? notices.chainSeconds() + admissionSettings.attestationSeconds,
    nonce: node.appliedAt,
  };
  const digest = attestationDigest(chain.admission.registry, candidate, entry, application, crypto.keccak256);
  const signature = toHex(compactSignature(await signer.sign(digest)));
  return { report, attestation: { application, authenticator: signer.address, signature } };
}
