import { z } from 'zod';
import { concat, fromHex, type Hash, toHex, utf8 } from '../bytes.ts';
import { canonicalBytes } from '../canonicalJson.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import { hashWord, type Network, structHasher } from '../eip712.ts';
import { addressSchema, hashSchema, hexSchema } from '../schemas.ts';
import type { Signer } from '../signature.ts';
import { recovered } from './credential.ts';

const prefix = utf8('notarium-activity/1\n');
const saltPrefix = utf8('notarium-activity-salt/1\n');
const hasher = structHasher('ActivityOrigin(bytes32 salt)');

const origin = {
  /** Who has begun it. */
  initiator: addressSchema,
  /** 32 random bytes. */
  salt: hashSchema,
};

/** What the id of an activity is made of, so that nobody but its initiator can begin one with that id, or say that it has. */
export const originSchema = z.strictObject({
  ...origin,
  /** Of the initiator: EIP-712 `ActivityOrigin`. Who was never a member does not know it, and opens no epoch. */
  signature: hexSchema(65, 65),
});

/** What may be shown of an origin to who is no member. */
export const shownOriginSchema = z.strictObject({
  ...origin,
  /** SHA-256 of the signature. */
  signatureDigest: hashSchema,
});

/** See {@link originSchema}. */
export type Origin = z.infer<typeof originSchema>;
/** See {@link shownOriginSchema}. */
export type ShownOrigin = z.infer<typeof shownOriginSchema>;

/** The origin of an activity that the signer begins. */
export async function signOrigin(
  network: Network,
  salt: Hash,
  signer: Signer,
  crypto: Crypto = portableCrypto,
): Promise<Origin> {
  const digest = hasher.digest(network, [hashWord(salt)], crypto.keccak256);
  return { initiator: signer.address, salt, signature: toHex(await signer.sign(digest)) };
}

/** Whether its initiator has signed it. */
export function isSignedOrigin(
  network: Network,
  { initiator, salt, signature }: Origin,
  crypto: Crypto = portableCrypto,
): boolean {
  return recovered(crypto, hasher.digest(network, [hashWord(salt)], crypto.keccak256), signature) === initiator;
}

/** Of two origins of one activity the one that is repeated: its initiator may have signed it in two ways, and all members say the same. */
export function repeatedOrigin(one: Origin, other: Origin): Origin {
  return one.signature <= other.signature ? one : other;
}

/** What may be shown of an origin. */
export function shownOrigin(
  { initiator, salt, signature }: Origin,
  sha256: Crypto['sha256'] = portableCrypto.sha256,
): ShownOrigin {
  return { initiator, salt, signatureDigest: toHex(sha256(fromHex(signature))) };
}

/** The id of an activity: SHA-256 of what it was begun with, in one network. */
export function activityId(
  network: string,
  { initiator, salt }: Pick<Origin, 'initiator' | 'salt'>,
  sha256: Crypto['sha256'] = portableCrypto.sha256,
): Hash {
  return toHex(sha256(concat(prefix, canonicalBytes({ network, initiator, salt }))));
}

/**
 * Salt of an activity that a device begins: SHA-256 of what the device has drawn, and of its credential. That is one client's, so no other
 * client of the node can come upon the same id, whatever it knows, and learn by that whether there is such an activity.
 */
export function deviceSalt(credential: Hash, drawn: Hash, sha256: Crypto['sha256'] = portableCrypto.sha256): Hash {
  return toHex(sha256(concat(saltPrefix, canonicalBytes({ credential, salt: drawn }))));
}
