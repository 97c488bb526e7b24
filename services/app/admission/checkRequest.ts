import type { z } from 'zod';
import type { AdmissionNode } from '../../chain/Admission.ts';
import { type JoinRequest, joinRequestDigest, signedJoinRequestSchema } from '../../core/admission/joinRequest.ts';
import { contradictionOf } from '../../core/admission/measured.ts';
import { zeroHash } from '../../core/block.ts';
import { fromHex, type Hash, toHex } from '../../core/bytes.ts';
import { networkName } from '../../core/eip712.ts';
import { isNotariumError, NotariumError } from '../../core/errors.ts';
import type { AdmissionRules } from '../../core/governance/proposalContent.ts';
import { recoverAddress } from '../../core/signature.ts';
import { parseStrictJson } from '../../core/strictJson.ts';
import type { AdmissionParts } from './AdmissionParts.ts';
import { isWebUrl } from './askAuthenticator.ts';

/** Largest text of a request. */
export const maxRequestBytes = 32 * 1024;
const maxDepth = 8;
/** How far the candidate's clock may be from ours, and how old a request may be. */
const timeMs = 5 * 60_000;

type Parts = Pick<AdmissionParts, 'network' | 'chain' | 'signer' | 'crypto' | 'clock'>;

/**
 * Reads a request to be challenged, and checks what can be checked without asking anybody: form, network, addresses, time,
 * information of the candidate, signature. `digest` is what was signed.
 * @throws NotariumError the `json-…` and `text-…` codes; `join-invalid` with data.field where it is a field's fault.
 */
export function readJoinRequest(parts: Parts, body: string): { request: JoinRequest; digest: Hash } {
  const parsed = signedJoinRequestSchema.safeParse(parseStrictJson(body, { maxSize: maxRequestBytes, maxDepth }));
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]!] : issue.path;
    throw invalid(path.map((step) => String(step).slice(0, 64).toWellFormed()).join('.'), issue.message.slice(0, 200));
  }
  const { request, signature } = parsed.data;
  const { network, authenticator, candidate, entry, time } = request;
  const own = parts.signer.address;
  const wantNetwork = networkName(parts.network);
  if (network !== wantNetwork)
    throw invalid('request.network', 'another network', { have: network, want: wantNetwork });
  if (authenticator !== own) {
    throw invalid('request.authenticator', 'for another authenticator', { have: authenticator, want: own });
  }
  if (candidate === own) throw invalid('request.candidate', 'an authenticator does not challenge itself');
  const nowMs = parts.clock.nowMs();
  if (Math.abs(Date.parse(time) - nowMs) > timeMs) {
    const data = { have: time, want: new Date(nowMs).toISOString() };
    throw invalid('request.time', `more than ${timeMs / 60_000} minutes from ${data.want}`, data);
  }
  if (entry.name.trim() === '') throw invalid('request.entry.name', 'empty');
  if (!isWebUrl(entry.endpoint)) throw invalid('request.entry.endpoint', 'not an http or https URL');
  for (const key of ['encryptionKey', 'noteKey'] as const) {
    if (entry[key] === zeroHash) throw invalid(`request.entry.${key}`, 'zero');
  }
  return { request, digest: checkSignature(parts, request, signature) };
}

function checkSignature({ chain, crypto }: Parts, request: JoinRequest, signature: string): Hash {
  const digest = joinRequestDigest(chain.admission.registry, request, crypto);
  let signer: string | undefined;
  try {
    signer = recoverAddress(crypto, digest, fromHex(signature));
  } catch (cause) {
    if (!isNotariumError(cause)) throw cause;
    throw new NotariumError('join-invalid', `signature: ${cause.message}`, { data: { field: 'signature' }, cause });
  }
  if (signer !== request.candidate) {
    throw invalid('signature', 'not of the candidate', { have: signer, want: request.candidate });
  }
  return toHex(digest);
}

/**
 * Checks that a node may be challenged now: what it passed would be of use.
 * @param seconds Time of the chain.
 * @throws NotariumError `application-refused` with data { status }; `admission-closed`; `application-early` with data
 *   { have, want, retryAt, retryAfterSeconds }.
 */
export function requireChallengeable(
  { purpose }: Pick<JoinRequest, 'purpose'>,
  { status, appliedAt }: Pick<AdmissionNode, 'status' | 'appliedAt'>,
  rules: AdmissionRules,
  seconds: number,
): void {
  if (purpose === 'renewal') {
    if (status !== 'active') throw refused(status, 'only active centres are authenticated again');
    return;
  }
  if (status !== 'none' && status !== 'candidate' && status !== 'removed') {
    throw refused(status, `a node that is ${status} cannot apply`);
  }
  if (rules.attestations === 0) throw new NotariumError('admission-closed');
  const want = appliedAt + rules.reapplySeconds;
  if (appliedAt === 0 || seconds >= want) return;
  const retryAt = new Date(1000 * want).toISOString();
  const data = { have: seconds, want, retryAt, retryAfterSeconds: want - seconds };
  throw new NotariumError('application-early', `again from ${retryAt} on`, { data });
}

/**
 * Checks that what a node says of itself is not what was measured.
 * @throws NotariumError `profile-contradicts` with data { field, have, want }: reported and measured.
 */
export function requireConsistent(...args: Parameters<typeof contradictionOf>): void {
  const found = contradictionOf(...args);
  if (!found) return;
  const { field, reported: have, measured: want } = found;
  throw new NotariumError('profile-contradicts', `${field}: reported ${have}, measured ${want}`, {
    data: { field, have, want },
  });
}

/** Error of a request with a wrong field. */
export function invalid(field: string, detail: string, data: object = {}): NotariumError {
  return new NotariumError('join-invalid', `${field || 'request'}: ${detail}`, { data: { field, ...data } });
}

function refused(status: string, detail: string): NotariumError {
  return new NotariumError('application-refused', detail, { data: { status } });
}

/** Error of an answer that has not the form of one. */
export function invalidRequest(error: z.ZodError): NotariumError {
  const issue = error.issues[0]!;
  const field = issue.path.join('.').slice(0, 64);
  return new NotariumError('request-invalid', `${field || 'answer'}: ${issue.message.slice(0, 200)}`, {
    data: { field },
  });
}
