import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { type Hash, toHex } from '../core/bytes.ts';

/** RFC 8410: all of a PKCS 8 key but its 32 bytes is the same for each. */
const pkcs8Head = { ed25519: '302e020100300506032b657004220420', x25519: '302e020100300506032b656e04220420' };

/**
 * A key of Curve25519 from its secret (an Ed25519 seed, an X25519 scalar; 32 bytes). Node has it at once; in JavaScript, tables of the
 * curve are made first, at every start of a process.
 */
export function curveKey(kind: keyof typeof pkcs8Head, secret: Uint8Array): { key: KeyObject; publicKey: Hash } {
  const der = Buffer.concat([Buffer.from(pkcs8Head[kind], 'hex'), secret]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  der.fill(0);
  return { key, publicKey: toHex(Buffer.from(createPublicKey(key).export({ format: 'jwk' }).x!, 'base64url')) };
}
