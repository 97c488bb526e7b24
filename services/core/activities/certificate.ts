import { hmac } from '@noble/hashes/hmac.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { z } from 'zod';
import { type Address, concat, fromHex, type Hash, toHex, utf8 } from '../bytes.ts';
import { canonicalBytes } from '../canonicalJson.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import { addressWord, hashWord, type Network, networkName, structHasher } from '../eip712.ts';
import { NotariumError } from '../errors.ts';
import { networkNameSchema } from '../networkNameSchema.ts';
import { hashSchema } from '../schemas.ts';
import type { Signer } from '../signature.ts';
import { recovered } from './credential.ts';
import { type TrustSignatures, trustShape } from './message.ts';

/** Name and version of the format. */
export const certificateFormat = 'notarium-trust-certificate/1';

/** Members' signatures over one version: shows that they have agreed to it, to whoever knows its id, and who of those whom it went to has not. */
export const certificateSchema = z.strictObject({
  format: z.literal(certificateFormat),
  network: networkNameSchema,
  /** Id of the version. */
  message: hashSchema,
  /** See {@link certificateSalt}. */
  salt: hashSchema,
  ...trustShape,
});

/** See {@link certificateSchema}. */
export type TrustCertificate = z.infer<typeof certificateSchema>;

/** What members agree to: a version, by its id, that went to these, by address. */
export type Agreement = { readonly message: Hash; readonly members: readonly Address[] };

const hasher = structHasher('ActivityTrust(bytes32 message,address[] members)');

/** What a member signs to countersign a version: EIP-712 `ActivityTrust`. */
export function trustDigest(
  network: Network,
  { message, members }: Agreement,
  keccak256: Crypto['keccak256'] = portableCrypto.keccak256,
): Uint8Array {
  return hasher.digest(network, [hashWord(message), keccak256(concat(...members.map(addressWord)))], keccak256);
}

/** A member's countersignature. */
export async function signTrust(network: Network, agreement: Agreement, signer: Signer): Promise<`0x${string}`> {
  return toHex(await signer.sign(trustDigest(network, agreement)));
}

const saltPrefix = utf8('notarium-trust-certificate-salt/1\n');

/**
 * What makes the certificate of one member another one than that of the next: two members may make the same at the same time, and records
 * with one digest would show that they belong together.
 * @param secret of the epoch in which it was made.
 * @param by Id of the message with the signatures.
 */
export function certificateSalt(secret: Hash, by: Hash): Hash {
  return toHex(hmac(nobleSha256, fromHex(secret), concat(saltPrefix, fromHex(by))));
}

/** The certificate of a version. */
export function makeCertificate(
  network: Network,
  { message, members }: Agreement,
  { signatures, salt }: { readonly signatures: TrustSignatures; readonly salt: Hash },
): TrustCertificate {
  return {
    ...{ format: certificateFormat, network: networkName(network), message, salt },
    ...{ members: [...members], signatures },
  };
}

/** SHA-256 of the canonical certificate. */
export function certificateDigest(
  certificate: TrustCertificate,
  sha256: Crypto['sha256'] = portableCrypto.sha256,
): Hash {
  return toHex(sha256(canonicalBytes(certificate)));
}

/**
 * Checks that the signatures are those of exactly these members, each once, in the order of their addresses, and that they are among those
 * whom the version went to.
 * @throws NotariumError `trust-certificate-invalid`.
 */
export function checkTrust(
  network: Network,
  agreement: Agreement,
  signatures: TrustSignatures,
  want: readonly Address[],
  crypto: Crypto = portableCrypto,
): void {
  const fail = (detail: string): NotariumError =>
    new NotariumError('trust-certificate-invalid', detail, { data: { message: agreement.message } });
  const { members } = agreement;
  if (members.some((member, index) => index > 0 && members[index - 1]! >= member))
    throw fail('those whom it went to are not in the order of their addresses, or one is there twice');
  const signed = signatures.map(({ member }) => member);
  const wanted = want.toSorted();
  if (signed.length !== wanted.length || signed.some((member, index) => member !== wanted[index]))
    throw fail('it is not signed by each of the members, in their order');
  if (signed.some((member) => !members.includes(member))) throw fail('one has signed whom it did not go to');
  const digest = trustDigest(network, agreement, crypto.keccak256);
  for (const { member, signature } of signatures)
    if (recovered(crypto, digest, signature) !== member) throw fail(`the signature is not by ${member}`);
}

/** As {@link checkTrust}, whoever of them has signed. */
export function checkSignatures(
  network: Network,
  agreement: Agreement,
  signatures: TrustSignatures,
  crypto: Crypto = portableCrypto,
): void {
  const signed = [...new Set(signatures.map(({ member }) => member))];
  checkTrust(network, agreement, signatures, signed, crypto);
}
