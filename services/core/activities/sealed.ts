import { hmac } from '@noble/hashes/hmac.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { z } from 'zod';
import { base64UrlBytes, concat, fromBase64Url, fromHex, type Hash, toBase64Url, toHex, utf8 } from '../bytes.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import { hashSchema, uintSchema } from '../schemas.ts';
import { maxMembers } from './members.ts';
import { maxParcelBytes } from './parcel.ts';
import { refused } from './refused.ts';

/**
 * Whether the bits of the last character that belong to no byte are zero: otherwise one seal could be written in several ways, each with
 * another digest. So much is told without decoding megabytes.
 */
function isCanonical(text: string): boolean {
  const last = text.slice(-1);
  switch (text.length % 4) {
    case 0:
      return true;
    case 2:
      return 'AQgw'.includes(last);
    case 3:
      return 'AEIMQUYcgkosw048'.includes(last);
    default:
      return false;
  }
}

const charactersOf = (sizeBytes: number): number => Math.ceil((sizeBytes * 4) / 3);
const canonicalBase64url = z
  .string()
  .regex(/^[A-Za-z0-9_-]*$/)
  .refine(isCanonical, 'it is not canonical base64url');
const atMost = (sizeBytes: number) => canonicalBase64url.max(charactersOf(sizeBytes));
const exactly = (sizeBytes: number) => canonicalBase64url.length(charactersOf(sizeBytes));

const epkSchema = z.strictObject({ kty: z.literal('OKP'), crv: z.literal('X25519'), x: exactly(32) });

/** A sealed message: JWE in the general JSON serialization (RFC 7516), ECDH-ES+A256KW on X25519, A256GCM. */
export const sealedSchema = z.strictObject({
  protected: atMost(2048),
  iv: exactly(12),
  ciphertext: atMost(maxParcelBytes),
  tag: exactly(16),
  recipients: z
    .array(
      z.strictObject({
        /** Of 32 bytes, wrapped: 8 more. */
        encrypted_key: exactly(40),
        header: z.strictObject({
          alg: z.literal('ECDH-ES+A256KW'),
          /** X25519 public key of the recipient. */
          kid: hashSchema,
          epk: epkSchema,
        }),
      }),
    )
    .min(1)
    .max(maxMembers),
});

/** See {@link sealedSchema}. */
export type Sealed = z.infer<typeof sealedSchema>;

/** The protected header: what nobody can change without breaking the seal. */
export const protectedSchema = z.strictObject({
  enc: z.literal('A256GCM'),
  typ: z.literal('notarium-activity/1'),
  /** Blinded id of the group: another one for each message. */
  grp: hashSchema,
  epo: uintSchema,
  /** Id of the message. */
  mid: hashSchema,
});

/** See {@link protectedSchema}. */
export type Protected = z.infer<typeof protectedSchema>;

/** All of a seal but the keys and the ciphertext: with it, a message is shown to be what the log has, and nothing else. */
export const sealSchema = sealedSchema.pick({ protected: true, iv: true, tag: true }).extend({
  ciphertextDigest: hashSchema,
});

/** See {@link sealSchema}. */
export type Seal = z.infer<typeof sealSchema>;

// As text it is a third larger, and hardly anybody needs that.
const knownBytes = new WeakMap<Sealed, Uint8Array>();

/** A sealed message by the bytes of its ciphertext, which may not be changed any more; the text is made when somebody reads it. */
export function sealedWith(rest: Omit<Sealed, 'ciphertext'>, ciphertext: Uint8Array): Sealed {
  const { protected: header, iv, tag, recipients } = rest;
  let text: string | undefined;
  const sealed = {
    ...{ protected: header, iv },
    get ciphertext() {
      text ??= toBase64Url(ciphertext);
      return text;
    },
    ...{ tag, recipients },
  };
  knownBytes.set(sealed, ciphertext);
  return sealed;
}

/** What the ciphertext of a sealed message says in base64url. */
export function ciphertextBytes(sealed: Sealed): Uint8Array {
  return knownBytes.get(sealed) ?? fromBase64Url(sealed.ciphertext);
}

/** The seal of a sealed message. */
export function sealOf(sealed: Sealed, sha256: Crypto['sha256'] = portableCrypto.sha256): Seal {
  const { protected: header, iv, tag } = sealed;
  const bytes = knownBytes.get(sealed);
  const text = bytes ? base64UrlBytes(bytes) : utf8(sealed.ciphertext);
  return { protected: header, iv, tag, ciphertextDigest: toHex(sha256(text)) };
}

/** What the log has: SHA-256 over the protected header, the nonce, the digest of the ciphertext, and the tag. */
export function sealDigest(
  { protected: header, iv, ciphertextDigest, tag }: Seal,
  sha256: Crypto['sha256'] = portableCrypto.sha256,
): Hash {
  return toHex(sha256(utf8(`${header}.${iv}.${ciphertextDigest.slice(2)}.${tag}`)));
}

/** @throws NotariumError `activity-message-invalid`. */
export function readProtected(text: string): Protected {
  try {
    return protectedSchema.parse(JSON.parse(atob(text.replaceAll('-', '+').replaceAll('_', '/'))));
  } catch (cause) {
    throw refused('its protected header', cause);
  }
}

const keyPrefix = utf8('notarium-activity-key/1\n');
const noncePrefix = utf8('notarium-activity-nonce/1\n');

/** What a message is sealed with: all of it follows from the message and the secret of its epoch. */
export type Sealing = Pick<Sealed, 'protected' | 'iv'> & {
  /** AES-256. */
  readonly key: Uint8Array;
};

/**
 * What a message is sealed with. Key and nonce are HMACs of its id under the epoch's secret: each message has its own. So whoever gives the
 * message on makes the very seal that the log has, and whoever gets it sees that it is that one.
 */
export function sealingOf(secret: Hash, id: Hash, epoch: number): Sealing {
  const derived = (prefix: Uint8Array): Uint8Array => hmac(nobleSha256, fromHex(secret), concat(prefix, fromHex(id)));
  const header: Protected = {
    ...{ enc: 'A256GCM', typ: 'notarium-activity/1' },
    ...{ grp: blindedGroup(secret, id), epo: epoch, mid: id },
  };
  return {
    protected: toBase64Url(utf8(JSON.stringify(header))),
    iv: toBase64Url(derived(noncePrefix).subarray(0, 12)),
    key: derived(keyPrefix),
  };
}

/** What stands for the group in the log: HMAC-SHA256 of the message's id under the epoch's secret. Nobody else can link two of them. */
export function blindedGroup(secret: Hash, id: Hash): Hash {
  return toHex(hmac(nobleSha256, fromHex(secret), fromHex(id)));
}

/** Subject of the record in the log. */
export function activitySubject(blinded: Hash): string {
  return `urn:notarium:activity:${blinded.slice(2)}`;
}
