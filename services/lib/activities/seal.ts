import { createPrivateKey, type KeyObject } from 'node:crypto';
import { x25519 } from '@noble/curves/ed25519.js';
import type { Member } from '../../core/activities/members.ts';
import { type Message, maxParcelBytes, parcelBytes } from '../../core/activities/parcel.ts';
import { blindedGroup, type Sealed } from '../../core/activities/sealed.ts';
import { type Hash, toHex } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { decryptJwe, encryptJwe, jwkOf, publicKeyOf, type SealedTo } from './jwe.ts';

/** A node's X25519 key pair, to open what is sealed to it. */
export type OpeningKey = { readonly publicKey: Hash; readonly key: KeyObject };

/** The key pair of a secret (32 bytes). */
export function openingKey(secret: Uint8Array): OpeningKey {
  const publicKey = x25519.getPublicKey(secret);
  const jwk = { ...jwkOf(publicKey), d: Buffer.from(secret).toString('base64url') };
  return { publicKey: toHex(publicKey), key: createPrivateKey({ key: jwk, format: 'jwk' }) };
}

/** Seals messages to members; knows the keys that it has met, the newest of so many. */
export class Sealer {
  readonly #keys = new Map<Hash, KeyObject>();
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
    const recipients = members.map(({ key }) => this.#recipient(key));
    const header = {
      ...({ enc: 'A256GCM', typ: 'notarium-activity/1' } as const),
      ...{ grp: blindedGroup(secret, id), epo: head.epoch, mid: id },
    };
    try {
      return encryptJwe(plaintext, header, recipients);
    } catch (cause) {
      throw new NotariumError('party-unfit', 'no key can be agreed on with one of the members', { cause });
    }
  }

  #recipient(id: Hash): SealedTo {
    let key = this.#keys.get(id);
    if (!key) {
      try {
        key = publicKeyOf(id);
      } catch (cause) {
        throw new NotariumError('party-unfit', 'its encryption key is none', { data: { key: id }, cause });
      }
      this.#keys.set(id, key);
      if (this.#keys.size > this.#most) this.#keys.delete(this.#keys.keys().next().value!);
    }
    return { id, key };
  }
}

/**
 * Opens a sealed message with whichever of the keys it is sealed to.
 * @returns The bytes of its parcel.
 * @throws NotariumError `activity-message-unreadable`.
 */
export function unseal(sealed: Sealed, keys: readonly OpeningKey[]): Uint8Array {
  for (const { publicKey, key } of keys) {
    const own = sealed.recipients.find(({ header }) => header.kid === publicKey);
    if (!own) continue;
    try {
      return decryptJwe(sealed, own, key);
    } catch (cause) {
      throw new NotariumError('activity-message-unreadable', 'the seal is broken', { cause });
    }
  }
  throw new NotariumError('activity-message-unreadable');
}
