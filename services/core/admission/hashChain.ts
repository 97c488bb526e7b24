import { concat } from '../bytes.ts';
import type { Crypto } from '../crypto.ts';
import { sha256Chain } from '../sha256Chain.ts';

/**
 * What the first hash of a stretch is over: the checkpoint before it (at the beginning the seed), and the seed. Bound to the
 * packet like this, no stretch can be made before the packet is there: of a bare chain all but one could.
 */
export function stretchStart(previous: Uint8Array, seed: Uint8Array): Uint8Array {
  return concat(previous, seed);
}

/**
 * SHA-256 of any bytes, and of what comes of it, so many times.
 * @param times 1 to 2^31.
 */
export function hashTimes(start: Uint8Array, times: number, sha256: Crypto['sha256']): Uint8Array {
  const first = sha256(start);
  return times === 1 ? first : sha256Chain(first, times - 1);
}
