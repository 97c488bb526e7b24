import { type Hash, toHex } from '../bytes.ts';
import type { Crypto } from '../crypto.ts';

/** SHA-256, applied so many times. */
export function hashTimes(start: Uint8Array, times: number, sha256: Crypto['sha256']): Uint8Array {
  let value = start;
  for (let done = 0; done < times; done++) value = sha256(value);
  return value;
}

/**
 * Whether one stretch of a chain of hashes is right: the claimed checkpoint follows from the one before.
 * @param previous The checkpoint before, or the seed.
 */
export function isStretchRight(
  previous: Uint8Array,
  claimed: Hash,
  checkpointEvery: number,
  sha256: Crypto['sha256'],
): boolean {
  return toHex(hashTimes(previous, checkpointEvery, sha256)) === claimed;
}
