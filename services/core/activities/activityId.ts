import { z } from 'zod';
import { concat, type Hash, toHex, utf8 } from '../bytes.ts';
import { canonicalBytes } from '../canonicalJson.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import { addressSchema, hashSchema } from '../schemas.ts';

const prefix = utf8('notarium-activity/1\n');
const saltPrefix = utf8('notarium-activity-salt/1\n');

/** What the id of an activity is made of, so that nobody but its initiator can begin one with that id. */
export const originSchema = z.strictObject({
  /** Who has begun it. */
  initiator: addressSchema,
  /** 32 random bytes. */
  salt: hashSchema,
});

/** See {@link originSchema}. */
export type Origin = z.infer<typeof originSchema>;

/** The id of an activity: SHA-256 of what it was begun with, in one network. */
export function activityId(
  network: string,
  { initiator, salt }: Origin,
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
