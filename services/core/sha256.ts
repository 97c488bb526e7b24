import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { type BulkSha256, createSha256Simd } from './sha256Simd.ts';
import { sha256SimdWasm } from './sha256SimdWasm.ts';

/** SHA-256 of a message; any implementation (portable or native) fits. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

/** Size of every hash in the log. */
export const hashBytes = 32;

/** SHA-256 in plain JavaScript (noble). */
export const sha256: Sha256 = (bytes) => nobleSha256(bytes);

/** Root of a tree without leaves (RFC 9162 section 2.1.1): SHA-256 of nothing. */
export const emptyRoot: Uint8Array = sha256(new Uint8Array(0));

// Written anew for each leaf of the usual size: memory for a copy would cost as much as its hash.
const leafMessage = new Uint8Array(4096);

/** Leaf hash of an entry of any length: SHA-256(0x00 || entry). */
export function leafHash(entry: Uint8Array, hash: Sha256 = sha256): Uint8Array {
  const sizeBytes = 1 + entry.length;
  const message = sizeBytes <= leafMessage.length ? leafMessage.subarray(0, sizeBytes) : new Uint8Array(sizeBytes);
  message.set(entry, 1);
  return hash(message);
}

/** Hash of an inner node: SHA-256(0x01 || left || right). */
export function nodeHash(left: Uint8Array, right: Uint8Array, hash: Sha256 = sha256): Uint8Array {
  const message = new Uint8Array(1 + 2 * hashBytes);
  message[0] = 1;
  message.set(left, 1);
  message.set(right, 1 + hashBytes);
  return hash(message);
}

const portable: BulkSha256 = {
  name: 'noble',
  nodes(pairs, target) {
    const message = new Uint8Array(65);
    message[0] = 1;
    for (let at = 0; at < pairs.length; at += 64) {
      message.set(pairs.subarray(at, at + 64), 1);
      target.set(nobleSha256(message), at / 2);
    }
  },
  leaves(digests, target) {
    const message = new Uint8Array(33);
    for (let at = 0; at < digests.length; at += 32) {
      message.set(digests.subarray(at, at + 32), 1);
      target.set(nobleSha256(message), at);
    }
  },
};

let chosen: BulkSha256 | undefined;

function bulk(): BulkSha256 {
  chosen ??= bestBulk();
  return chosen;
}

function bestBulk(): BulkSha256 {
  try {
    return createSha256Simd(sha256SimdWasm);
  } catch {
    // No WebAssembly, no SIMD in it, or a page policy that forbids it: slower, and the same hashes. bulkSha256Name tells.
    return portable;
  }
}

/** Which implementation does the bulk work. */
export function bulkSha256Name(): BulkSha256['name'] {
  return bulk().name;
}

/** Fixes the implementation of the bulk work, so that tests can compare the two; `best` is what every start begins with. */
export function useBulkSha256(name: 'best' | 'noble'): void {
  chosen = name === 'noble' ? portable : bestBulk();
}

/**
 * Hashes of many inner nodes: n * 64 bytes (left, right) in, n * 32 out. `out` may be the beginning of `pairs` itself.
 * @throws RangeError when the sizes do not fit.
 */
export function hashNodes(pairs: Uint8Array, out: Uint8Array = new Uint8Array(pairs.length / 2)): Uint8Array {
  if (pairs.length % 64 !== 0 || out.length !== pairs.length / 2) throw new RangeError('not n * 64 bytes to n * 32');
  bulk().nodes(pairs, out);
  return out;
}

/**
 * Leaf hashes of many 32-byte digests, SHA-256(0x00 || digest): n * 32 bytes in, n * 32 out. `out` may be `digests` itself.
 * @throws RangeError when the sizes do not fit.
 */
export function hashLeafDigests(digests: Uint8Array, out: Uint8Array = new Uint8Array(digests.length)): Uint8Array {
  if (digests.length % 32 !== 0 || out.length !== digests.length) throw new RangeError('not n * 32 bytes to n * 32');
  bulk().leaves(digests, out);
  return out;
}
