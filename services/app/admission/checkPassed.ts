import { attestationDigest, entryHashOf } from '../../core/admission/attestation.ts';
import type { JoinRequest } from '../../core/admission/joinRequest.ts';
import { type Report, sealedReport } from '../../core/admission/report.ts';
import { type Address, fromHex } from '../../core/bytes.ts';
import { canonicalText } from '../../core/canonicalJson.ts';
import { NotariumError } from '../../core/errors.ts';
import { recoverAddress } from '../../core/signature.ts';
import type { Passed, SessionParts } from './SessionParts.ts';

/** What was asked for, of whom. */
export type AskedOf = { readonly authenticator: Address; readonly request: JoinRequest };

/**
 * Checks what an authenticator says in the end: before gas is paid for it, and before it is shown as true.
 * @throws NotariumError `server-answer-invalid` naming what is not as it must be.
 */
export async function checkPassed(parts: SessionParts, asked: AskedOf, { report, attestation }: Passed): Promise<void> {
  const { request } = asked;
  const confirmed = request.confirms?.report;
  if (confirmed) require('the report that it confirms', same(report, confirmed));
  else checkReport(parts, asked, report);
  require('an attestation', (attestation !== undefined) === (request.purpose === 'join'));
  if (attestation) await checkAttestation(parts, asked, report, attestation);
}

function checkReport({ manifest }: SessionParts, { authenticator, request }: AskedOf, report: Report): void {
  const { network, candidate, purpose, entry, statement, reported } = request;
  const asked = { authenticator, network, candidate, purpose, entry, statement, reported, manifestHash: manifest.hash };
  for (const [name, want] of Object.entries(asked)) {
    require(`report.${name}`, same(report[name as keyof typeof asked], want));
  }
}

async function checkAttestation(
  { registry, node, manifest, crypto, clock }: SessionParts,
  { authenticator, request }: AskedOf,
  report: Report,
  attestation: NonNullable<Passed['attestation']>,
): Promise<void> {
  const { candidate, entry, confirms } = request;
  const { application, signature } = attestation;
  require('attestation.authenticator', attestation.authenticator === authenticator);
  require('application.profileDigest', application.profileDigest === sealedReport(report, crypto).hash);
  require('application.entryHash', application.entryHash === entryHashOf(entry, crypto.keccak256));
  require('application.manifestHash', application.manifestHash === manifest.hash);
  require('application.score', application.score === report.score);
  require('application.nonce', application.nonce === (await node(candidate)).appliedAt);
  require('application.expiry', application.expiry > clock.nowMs() / 1000);
  if (confirms) require('application.expiry', application.expiry === confirms.expiry);
  const digest = attestationDigest(registry, candidate, entry, application, crypto.keccak256);
  let signer: Address | undefined;
  try {
    signer = recoverAddress(crypto, digest, fromHex(signature));
  } catch (cause) {
    throw new NotariumError('server-answer-invalid', 'attestation.signature is none', { cause });
  }
  require('attestation.signature', signer === authenticator);
}

function require(what: string, isRight: boolean): void {
  if (!isRight) throw new NotariumError('server-answer-invalid', `${what} is not what was asked for`);
}

function same(one: unknown, other: unknown): boolean {
  return canonicalText(one) === canonicalText(other);
}
