import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
  randomFillSync,
} from 'node:crypto';
import { type Hash, utf8 } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';

const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
// What is written at a time is of few activities, and of each there are several rows.
const mostKeys = 1024;

/**
 * What a database keeps encrypted: nonce, ciphertext and tag of AES-256-GCM. Random nonces suffice for 2^32 texts under one key: each
 * activity has a key of its own, made by HMAC-SHA256 of its id under the node's. The row is authenticated, so no value can take the place
 * of another one.
 */
export class AtRest {
  // As bytes, Node takes longer to look what they are than to encrypt a row.
  readonly #key: KeyObject;
  readonly #keys = new Map<Hash, KeyObject>();

  /** @param key 32 bytes. @throws RangeError for another length. */
  constructor(key: Uint8Array) {
    if (key.length !== keyBytes) throw new RangeError(`a key for the activities has ${keyBytes} bytes`);
    this.#key = createSecretKey(key);
  }

  /** @param scope What has a key of its own: an activity. @param row Table and id. */
  seal(scope: Hash, row: string, plain: Uint8Array): Uint8Array {
    // Not of Node's pool of small buffers: on its way to the database thread all of that would be copied.
    const sealed = new Uint8Array(nonceBytes + plain.length + tagBytes);
    const nonce = randomFillSync(sealed.subarray(0, nonceBytes));
    const cipher = createCipheriv('aes-256-gcm', this.#keyOf(scope), nonce).setAAD(utf8(row));
    sealed.set(cipher.update(plain), nonceBytes);
    cipher.final();
    sealed.set(cipher.getAuthTag(), nonceBytes + plain.length);
    return sealed;
  }

  /** @throws NotariumError `activity-store-corrupt` for anything else than was sealed for that row. */
  open(scope: Hash, row: string, sealed: Uint8Array): Uint8Array {
    try {
      const end = sealed.length - tagBytes;
      const nonce = sealed.subarray(0, nonceBytes);
      const decipher = createDecipheriv('aes-256-gcm', this.#keyOf(scope), nonce, { authTagLength: tagBytes });
      decipher.setAAD(utf8(row)).setAuthTag(sealed.subarray(end));
      const plain = decipher.update(sealed.subarray(nonceBytes, end));
      decipher.final();
      return new Uint8Array(plain.buffer, plain.byteOffset, plain.length);
    } catch (cause) {
      throw corrupt(row, cause);
    }
  }

  sealText(scope: Hash, row: string, text: string): Uint8Array {
    return this.seal(scope, row, utf8(text));
  }

  /** @throws NotariumError as {@link AtRest.open}. */
  openText(scope: Hash, row: string, sealed: Uint8Array): string {
    return Buffer.from(this.open(scope, row, sealed)).toString();
  }

  #keyOf(scope: Hash): KeyObject {
    let key = this.#keys.get(scope);
    if (!key) {
      key = createSecretKey(createHmac('sha256', this.#key).update(`notarium-activities/1\n${scope}`).digest());
      this.#keys.set(scope, key);
      if (this.#keys.size > mostKeys) this.#keys.delete(this.#keys.keys().next().value!);
    }
    return key;
  }
}

/** A row that is not as it was written. */
export function corrupt(row: string, cause?: unknown): NotariumError {
  return new NotariumError('activity-store-corrupt', row, { data: { row }, cause });
}
