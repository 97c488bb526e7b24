import { z } from 'zod';
import { type Hash, toHex } from '../bytes.ts';
import { canonicalBytes } from '../canonicalJson.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import { hashWord, type Network, networkName, parseNetworkName, structHasher } from '../eip712.ts';
import { NotariumError } from '../errors.ts';
import { addressSchema, hashSchema, hexSchema } from '../schemas.ts';
import type { Signer } from '../signature.ts';
import { recovered } from './credential.ts';
import { maxMembers } from './members.ts';
import type { TrustSignatures } from './message.ts';

/** All members' signatures over one version: shows that they have agreed to it, to whoever knows its id. */
export const certificateSchema = z.strictObject({
  format: z.literal('notarium-trust-certificate/1'),
  network: z.string().refine((name) => parseNetworkName(name) !== undefined, 'not eip155:<chain id>:<contract>'),
  /** Id of the version. */
  message: hashSchema,
  /** By address. */
  signatures: z
    .array(z.strictObject({ member: addressSchema, signature: hexSchema(64, 65) }))
    .min(1)
    .max(maxMembers),
});

/** See {@link certificateSchema}. */
export type TrustCertificate = z.infer<typeof certificateSchema>;

const hasher = structHasher('ActivityTrust(bytes32 message)');

/** What a member signs to countersign a version: EIP-712 `ActivityTrust`. */
export function trustDigest(
  network: Network,
  message: Hash,
  keccak256: Crypto['keccak256'] = portableCrypto.keccak256,
): Uint8Array {
  return hasher.digest(network, [hashWord(message)], keccak256);
}

/** A member's countersignature. */
export async function signTrust(network: Network, message: Hash, signer: Signer): Promise<`0x${string}`> {
  return toHex(await signer.sign(trustDigest(network, message)));
}

/** The certificate of a version. */
export function makeCertificate(network: Network, message: Hash, signatures: TrustSignatures): TrustCertificate {
  return { format: 'notarium-trust-certificate/1', network: networkName(network), message, signatures };
}

/** SHA-256 of the canonical certificate. */
export function certificateDigest(
  certificate: TrustCertificate,
  sha256: Crypto['sha256'] = portableCrypto.sha256,
): Hash {
  return toHex(sha256(canonicalBytes(certificate)));
}

/**
 * Checks that the signatures are those of exactly these members, each once, in the order of their addresses.
 * @throws NotariumError `trust-certificate-invalid`.
 */
export function checkTrust(
  network: Network,
  message: Hash,
  signatures: TrustSignatures,
  members: readonly `0x${string}`[],
  crypto: Crypto = portableCrypto,
): void {
  const fail = (detail: string): NotariumError =>
    new NotariumError('trust-certificate-invalid', detail, { data: { message } });
  const signed = signatures.map(({ member }) => member);
  const want = members.toSorted();
  if (signed.length !== want.length || signed.some((member, index) => member !== want[index]))
    throw fail('it is not signed by each of the members, in their order');
  const digest = trustDigest(network, message, crypto.keccak256);
  for (const { member, signature } of signatures)
    if (recovered(crypto, digest, signature) !== member) throw fail(`the signature is not by ${member}`);
}
