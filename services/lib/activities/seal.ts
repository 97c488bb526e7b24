import { x25519 } from '@noble/curves/ed25519.js';
import { type CryptoKey, flattenedDecrypt, GeneralEncrypt, importJWK, type JWK } from 'jose';
import type { Member } from '../../core/activities/members.ts';
import { type Message, maxParcelBytes, parcelBytes } from '../../core/activities/parcel.ts';
import { blindedGroup, type Protected, type Sealed, sealedSchema } from '../../core/activities/sealed.ts';
import { fromHex, type Hash, toHex } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';

const keyManagement = 'ECDH-ES+A256KW';
const contentEncryption = 'A256GCM';

/** A node's X25519 key pair, to open what is sealed to it. */
export type OpeningKey = { readonly publicKey: Hash; readonly key: CryptoKey };

/** The key pair of a secret (32 bytes). */
export async function openingKey(secret: Uint8Array): Promise<OpeningKey> {
  const publicKey = x25519.getPublicKey(secret);
  const jwk: JWK = { ...publicJwk(publicKey), d: base64url(secret) };
  return { publicKey: toHex(publicKey), key: (await importJWK(jwk, keyManagement)) as CryptoKey };
}

/** Seals messages to members; knows the keys that it has met, the newest of so many. */
export class Sealer {
  readonly #keys = new Map<Hash, Promise<CryptoKey>>();
  readonly #most = 4096;

  /**
   * Seals a message to all members of its group, as one piece.
   * @throws NotariumError `activity-message-invalid` for one that is too large; `party-unfit` for a key that is none.
   */
  async seal(message: Message, secret: Hash, members: readonly Pick<Member, 'key'>[]): Promise<Sealed> {
    const { id, head } = message;
    const plaintext = parcelBytes(message);
    if (plaintext.length > maxParcelBytes) {
      throw new NotariumError('activity-message-invalid', 'it is too large', {
        data: { have: plaintext.length, want: maxParcelBytes },
      });
    }
    const header: Protected = {
      enc: contentEncryption,
      typ: 'notarium-activity/1',
      grp: blindedGroup(secret, id),
      epo: head.epoch,
      mid: id,
    };
    const jwe = new GeneralEncrypt(plaintext).setProtectedHeader(header);
    for (const { key } of members) {
      jwe.addRecipient(await this.#keyOf(key)).setUnprotectedHeader({ alg: keyManagement, kid: key });
    }
    return sealedSchema.parse(await jwe.encrypt());
  }

  #keyOf(publicKey: Hash): Promise<CryptoKey> {
    let key = this.#keys.get(publicKey);
    if (!key) {
      key = importJWK(publicJwk(fromHex(publicKey)), keyManagement).catch((cause: unknown) => {
        throw new NotariumError('party-unfit', 'its encryption key is none', { data: { key: publicKey }, cause });
      }) as Promise<CryptoKey>;
      this.#keys.set(publicKey, key);
      if (this.#keys.size > this.#most) this.#keys.delete(this.#keys.keys().next().value!);
    }
    return key;
  }
}

/**
 * Opens a sealed message with whichever of the keys it is sealed to.
 * @returns The bytes of its parcel, and for whom it is sealed.
 * @throws NotariumError `activity-message-unreadable`.
 */
export async function unseal(sealed: Sealed, keys: readonly OpeningKey[]): Promise<Uint8Array> {
  const { recipients, ...rest } = sealed;
  for (const { publicKey, key } of keys) {
    const own = recipients.find(({ header }) => header.kid === publicKey);
    if (!own) continue;
    try {
      const { plaintext } = await flattenedDecrypt({ ...rest, ...own }, key, {
        keyManagementAlgorithms: [keyManagement],
        contentEncryptionAlgorithms: [contentEncryption],
      });
      return plaintext;
    } catch (cause) {
      throw new NotariumError('activity-message-unreadable', 'the seal is broken', { cause });
    }
  }
  throw new NotariumError('activity-message-unreadable');
}

function publicJwk(publicKey: Uint8Array): JWK {
  return { kty: 'OKP', crv: 'X25519', x: base64url(publicKey) };
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
