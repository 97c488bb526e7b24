import { hash as nodeHash } from 'node:crypto';

/** SHA-256 by Node itself. */
export function nativeSha256(bytes: Uint8Array): Uint8Array {
  // By way of a text: memory for a Buffer, outside the heap, takes longer than the hash itself.
  const text = nodeHash('sha256', bytes, 'binary');
  const digest = new Uint8Array(32);
  for (let at = 0; at < digest.length; at++) digest[at] = text.charCodeAt(at);
  return digest;
}
