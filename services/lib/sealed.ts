import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { concat, hexDigits, utf8 } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';

const magic = utf8('notarium-sealed/1\n');
const saltBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/** Plain bytes of every chunk but the last. */
export const chunkBytes = 64 * 1024;

/** Bytes of a sealed file before its first chunk. */
export const sealedHeaderBytes = magic.length + saltBytes;

/** Bytes of a sealed chunk beyond the plain ones. */
export const chunkExtraBytes = nonceBytes + tagBytes;

/** SHA-256 of everything before it: what can be checked without the key. */
export const sealedTrailerBytes = 32;

/** Chunks of so many plain bytes; an empty content has one, which is empty. */
export function chunkCount(plainBytes: number): number {
  return Math.max(1, Math.ceil(plainBytes / chunkBytes));
}

/** Size of a sealed file. */
export function sealedBytesOf(plainBytes: number): number {
  return sealedHeaderBytes + plainBytes + chunkCount(plainBytes) * chunkExtraBytes + sealedTrailerBytes;
}

/**
 * Size of what is in a sealed file.
 * @throws NotariumError `evidence-corrupt`.
 */
export function plainBytesOf(sealedBytes: number): number {
  const body = sealedBytes - sealedHeaderBytes - sealedTrailerBytes;
  const plain = body - Math.ceil(body / (chunkBytes + chunkExtraBytes)) * chunkExtraBytes;
  if (body < chunkExtraBytes || sealedBytesOf(plain) !== sealedBytes) {
    throw new NotariumError('evidence-corrupt', `no sealed file has ${sealedBytes} bytes`);
  }
  return plain;
}

/** Where random bytes come from; another place for vectors alone. */
export type RandomBytes = (sizeBytes: number) => Uint8Array;

/** Begins a sealed file with a fresh salt. */
export function newSealedHeader(random: RandomBytes = randomBytes): Uint8Array {
  return concat(magic, random(saltBytes));
}

/**
 * The key of one sealed file: HKDF-SHA256 of the content key with the salt in the file's header.
 * @throws NotariumError `evidence-corrupt` when that is no such header.
 */
export function fileKey(contentKey: Uint8Array, header: Uint8Array): Uint8Array {
  if (header.length !== sealedHeaderBytes || Buffer.compare(header.subarray(0, magic.length), magic) !== 0) {
    throw new NotariumError('evidence-corrupt', 'it does not begin as a sealed file does');
  }
  return new Uint8Array(hkdfSync('sha256', contentKey, header.subarray(magic.length), 'notarium-sealed/1', 32));
}

/** Tells keys apart without saying anything of them: 16 hexadecimal digits, other ones for each digest. */
export function contentKeyId(contentKey: Uint8Array, digest: Uint8Array): string {
  return hexDigits(new Uint8Array(hkdfSync('sha256', contentKey, digest, 'notarium-content-key-id/1', 8)));
}

/**
 * Encrypts a chunk: nonce, ciphertext, tag. Its place and whether it is the last one are authenticated, as in STREAM
 * (Hoang, Reyhanitabar, Rogaway, Vizár 2015). The nonce is random instead of a counter: after an interruption the same place
 * is written again, maybe with other bytes, and a nonce must not come twice.
 */
export function sealChunk(
  key: Uint8Array,
  index: number,
  isLast: boolean,
  plain: Uint8Array,
  random: RandomBytes = randomBytes,
): Buffer {
  const nonce = random(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(placeOf(index, isLast));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/**
 * Decrypts a chunk of {@link sealChunk}.
 * @throws NotariumError `evidence-corrupt` when it is not that chunk of that file.
 */
export function openChunk(key: Uint8Array, index: number, isLast: boolean, sealed: Uint8Array): Buffer {
  try {
    const nonce = sealed.subarray(0, nonceBytes);
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
    decipher.setAAD(placeOf(index, isLast)).setAuthTag(sealed.subarray(sealed.length - tagBytes));
    return Buffer.concat([decipher.update(sealed.subarray(nonceBytes, sealed.length - tagBytes)), decipher.final()]);
  } catch (cause) {
    throw new NotariumError('evidence-corrupt', `chunk ${index} of the sealed file`, { cause, data: { chunk: index } });
  }
}

function placeOf(index: number, isLast: boolean): Buffer {
  const place = Buffer.alloc(9);
  place.writeBigUInt64BE(BigInt(index));
  place[8] = isLast ? 1 : 0;
  return place;
}
