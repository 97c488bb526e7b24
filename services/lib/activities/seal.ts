import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import type { Member } from '../../core/activities/members.ts';
import { type Message, maxParcelBytes, type Parcel, parcelBytes } from '../../core/activities/parcel.ts';
import { ciphertextBytes, type Sealed, sealedWith, sealingOf } from '../../core/activities/sealed.ts';
import { fromHex, type Hash } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { curveKey } from '../curveKey.ts';

const keyManagement = 'ECDH-ES+A256KW';
const tagBytes = 16;
const aboutKey = Buffer.concat([
  uint32(keyManagement.length),
  Buffer.from(keyManagement),
  uint32(0),
  uint32(0),
  uint32(256),
]);
/** Keys that a sealer knows. */
const mostKeys = 4096;
/** RFC 3394, section 2.2.3.1. */
const wrapIv = Buffer.alloc(8, 0xa6);

/** A node's X25519 key pair, to open what is sealed to it. */
export type OpeningKey = { readonly publicKey: Hash; readonly key: KeyObject };

type KeyPair = { readonly publicKey: KeyObject; readonly privateKey: KeyObject };

/** What was in a seal, and the key with which it was encrypted. */
export type Unsealed = { readonly bytes: Uint8Array; readonly contentKey: Uint8Array };

/** The key pair of a secret (32 bytes). */
export function openingKey(secret: Uint8Array): OpeningKey {
  return curveKey('x25519', secret);
}

/** Seals messages to members (JWE, RFC 7516); knows the keys that it has met, the newest of so many. */
export class Sealer {
  readonly #keys = new Map<Hash, KeyObject>();
  readonly #newKeyPair: () => KeyPair;

  /** @param newKeyPair The ephemeral ones: random, but in vectors. */
  constructor(newKeyPair: () => KeyPair = () => generateKeyPairSync('x25519')) {
    this.#newKeyPair = newKeyPair;
  }

  /**
   * Seals a message to members, as one piece. To whomever it is, and whoever does it: but for the wrapped keys it is the same.
   * @throws NotariumError `activity-message-invalid` for one that is too large; `party-unfit` for a key that is none.
   */
  seal(message: Message, secret: Hash, members: readonly Pick<Member, 'key'>[]): Sealed {
    const { protected: header, iv, key } = sealingOf(secret, message.id, message.head.epoch);
    const cipher = createCipheriv('aes-256-gcm', createSecretKey(key), Buffer.from(iv, 'base64url'), {
      authTagLength: tagBytes,
    });
    cipher.setAAD(Buffer.from(header));
    // In this mode all comes out at once.
    const ciphertext = cipher.update(plaintextOf(message));
    cipher.final();
    const rest = {
      ...{ protected: header, iv, tag: base64url(cipher.getAuthTag()) },
      recipients: members.map((member) => this.#wrapped(key, member.key)),
    };
    return sealedWith(rest, ciphertext);
  }

  /** Wraps the key of a sealed message, as {@link unseal} gives it, for somebody else. @throws NotariumError `party-unfit`. */
  wrapAgain(sealed: Sealed, key: Uint8Array, to: Hash): Sealed {
    const { protected: header, iv, tag } = sealed;
    return sealedWith({ protected: header, iv, tag, recipients: [this.#wrapped(key, to)] }, ciphertextBytes(sealed));
  }

  #wrapped(key: Uint8Array, to: Hash): Sealed['recipients'][number] {
    const { publicKey, privateKey } = this.#newKeyPair();
    const { x } = publicKey.export({ format: 'jwk' });
    const cipher = createCipheriv('id-aes256-wrap', this.#wrappingKey(privateKey, to), wrapIv);
    const wrapped = Buffer.concat([cipher.update(key), cipher.final()]);
    return {
      encrypted_key: base64url(wrapped),
      header: { alg: keyManagement, kid: to, epk: publicJwk(x!) },
    };
  }

  #wrappingKey(privateKey: KeyObject, to: Hash): KeyObject {
    try {
      return agreedKey(privateKey, this.#keyOf(to));
    } catch (cause) {
      throw new NotariumError('party-unfit', 'its encryption key is none', { data: { key: to }, cause });
    }
  }

  #keyOf(publicKey: Hash): KeyObject {
    let key = this.#keys.get(publicKey);
    if (!key) {
      key = keyObject(base64url(fromHex(publicKey)));
      this.#keys.set(publicKey, key);
      if (this.#keys.size > mostKeys) this.#keys.delete(this.#keys.keys().next().value!);
    }
    return key;
  }
}

/**
 * Opens a sealed message with whichever of the keys it is sealed to.
 * @throws NotariumError `activity-message-unreadable`.
 */
export function unseal(sealed: Sealed, keys: readonly OpeningKey[]): Unsealed {
  for (const { publicKey, key } of keys) {
    const own = sealed.recipients.find(({ header }) => header.kid === publicKey);
    if (!own) continue;
    try {
      const wrapping = createDecipheriv('id-aes256-wrap', agreedKey(key, keyObject(own.header.epk.x)), wrapIv);
      const contentKey = Buffer.concat([wrapping.update(own.encrypted_key, 'base64url'), wrapping.final()]);
      return { bytes: decrypted(sealed, contentKey), contentKey: new Uint8Array(contentKey) };
    } catch (cause) {
      throw new NotariumError('activity-message-unreadable', 'the seal is broken', { cause });
    }
  }
  throw new NotariumError('activity-message-unreadable');
}

function decrypted(sealed: Sealed, key: Uint8Array): Uint8Array {
  const { protected: header, iv, tag } = sealed;
  const decipher = createDecipheriv('aes-256-gcm', createSecretKey(key), Buffer.from(iv, 'base64url'), {
    authTagLength: tagBytes,
  });
  decipher.setAAD(Buffer.from(header));
  decipher.setAuthTag(Buffer.from(tag, 'base64url'));
  const plain = decipher.update(ciphertextBytes(sealed));
  decipher.final();
  return new Uint8Array(plain.buffer, plain.byteOffset, plain.length);
}

/** Concat KDF of RFC 7518, section 4.6.2, for A256KW and without names of the parties. */
function agreedKey(privateKey: KeyObject, publicKey: KeyObject): KeyObject {
  const agreed = diffieHellman({ privateKey, publicKey });
  return createSecretKey(createHash('sha256').update(uint32(1)).update(agreed).update(aboutKey).digest());
}

function plaintextOf(message: Parcel): Uint8Array {
  const plaintext = parcelBytes(message);
  if (plaintext.length <= maxParcelBytes) return plaintext;
  throw new NotariumError('activity-message-invalid', 'it is too large', {
    data: { have: plaintext.length, want: maxParcelBytes },
  });
}

function keyObject(x: string): KeyObject {
  return createPublicKey({ key: publicJwk(x), format: 'jwk' });
}

function publicJwk(x: string): { kty: 'OKP'; crv: 'X25519'; x: string } {
  return { kty: 'OKP', crv: 'X25519', x };
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');
}
