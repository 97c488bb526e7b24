import {
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hash,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import type { Protected, Sealed } from '../../core/activities/sealed.ts';
import { fromHex, type Hash } from '../../core/bytes.ts';

/** How the content key is wrapped for each recipient (RFC 7518 section 4.6). */
const keyManagement = 'ECDH-ES+A256KW';
const nonceBytes = 12;
const tagBytes = 16;
const keyBytes = 32;
// RFC 3394 section 2.2.3.1.
const wrapInitial = Buffer.alloc(8, 0xa6);

type Recipient = Sealed['recipients'][number];
type PublicJwk = NonNullable<Recipient['header']['epk']>;

/** Whom something is sealed to. `id`: the public key, as the recipient finds itself by it. */
export type SealedTo = { readonly id: Hash; readonly key: KeyObject };

/** @throws Error for what is no X25519 key. */
export function publicKeyOf(key: Hash): KeyObject {
  return createPublicKey({ key: jwkOf(fromHex(key)), format: 'jwk' });
}

/**
 * Encrypts once for all recipients: JWE in the general JSON serialization (RFC 7516), in the calling thread. The primitives take
 * microseconds each; asked for one by one as promises, as libraries do, they would take several times as long. An ephemeral key is made for
 * each recipient, as RFC 7518 section 4.6 wants it, and stands in the protected header where there is one recipient alone.
 * @throws Error for a key with which none can be agreed on.
 */
export function encryptJwe(plaintext: Uint8Array, header: Protected, recipients: readonly SealedTo[]): Sealed {
  const contentKey = randomBytes(keyBytes);
  const wrapped = recipients.map(({ id, key }) => wrapKey(contentKey, id, key));
  const [only] = wrapped;
  const isOne = wrapped.length === 1;
  const whole = isOne ? { ...header, epk: only!.header.epk } : header;
  const protectedText = Buffer.from(JSON.stringify(whole)).toString('base64url');
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', contentKey, nonce).setAAD(Buffer.from(protectedText));
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return {
    protected: protectedText,
    iv: nonce.toString('base64url'),
    ciphertext: ciphertext.toString('base64url'),
    tag: cipher.getAuthTag().toString('base64url'),
    recipients: isOne ? [withoutEphemeral(only!)] : wrapped,
  };
}

/**
 * Decrypts with the key of one of the recipients.
 * @throws Error for anything else than was sealed to it under that header.
 */
export function decryptJwe(sealed: Sealed, recipient: Recipient, key: KeyObject): Uint8Array {
  const header = JSON.parse(Buffer.from(sealed.protected, 'base64url').toString()) as Partial<Protected>;
  const { epk, alg } = { ...header, ...recipient.header };
  if (header.enc !== 'A256GCM' || alg !== keyManagement || !epk) throw new Error('not an encryption of this format');
  if ('zip' in header || 'crit' in header) throw new Error('an extension of the format');
  const shared = diffieHellman({ privateKey: key, publicKey: createPublicKey({ key: epk, format: 'jwk' }) });
  const decipher = createDecipheriv('id-aes256-wrap', derivedKey(shared), wrapInitial);
  const contentKey = Buffer.concat([
    decipher.update(Buffer.from(recipient.encrypted_key, 'base64url')),
    decipher.final(),
  ]);
  const nonce = Buffer.from(sealed.iv, 'base64url');
  if (contentKey.length !== keyBytes || nonce.length !== nonceBytes) throw new Error('a key or nonce of another size');
  const opened = createDecipheriv('aes-256-gcm', contentKey, nonce, { authTagLength: tagBytes });
  opened.setAAD(Buffer.from(sealed.protected)).setAuthTag(Buffer.from(sealed.tag, 'base64url'));
  const plaintext = opened.update(Buffer.from(sealed.ciphertext, 'base64url'));
  opened.final();
  return new Uint8Array(plaintext.buffer, plaintext.byteOffset, plaintext.length);
}

/** The public half of an X25519 key, or all of it, as JWK. */
export function jwkOf(publicKey: Uint8Array): PublicJwk {
  return { kty: 'OKP', crv: 'X25519', x: Buffer.from(publicKey).toString('base64url') };
}

function wrapKey(contentKey: Uint8Array, id: Hash, publicKey: KeyObject) {
  const ephemeral = generateKeyPairSync('x25519');
  const shared = diffieHellman({ privateKey: ephemeral.privateKey, publicKey });
  const cipher = createCipheriv('id-aes256-wrap', derivedKey(shared), wrapInitial);
  const encrypted = Buffer.concat([cipher.update(contentKey), cipher.final()]);
  const { x } = ephemeral.publicKey.export({ format: 'jwk' });
  const epk: PublicJwk = { kty: 'OKP', crv: 'X25519', x: x! };
  return {
    encrypted_key: encrypted.toString('base64url'),
    header: { alg: keyManagement, kid: id, epk },
  } satisfies Recipient;
}

function withoutEphemeral({ encrypted_key, header: { alg, kid } }: Recipient): Recipient {
  return { encrypted_key, header: { alg, kid } };
}

/** Concat KDF with SHA-256 for the one key length in use here, no party information (RFC 7518 section 4.6.2). */
function derivedKey(shared: Uint8Array): Uint8Array {
  const name = Buffer.from(keyManagement);
  const input = Buffer.alloc(4 + shared.length + 4 + name.length + 4 + 4 + 4);
  let at = input.writeUInt32BE(1);
  at += Buffer.from(shared).copy(input, at);
  at = input.writeUInt32BE(name.length, at);
  at += name.copy(input, at);
  // Nothing of either party.
  input.writeUInt32BE(8 * keyBytes, at + 8);
  return hash('sha256', input, 'buffer');
}
