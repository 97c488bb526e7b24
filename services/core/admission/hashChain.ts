import { concat } from '../bytes.ts';
import type { Crypto } from '../crypto.ts';

/**
 * What the first hash of a stretch is over: the checkpoint before it (at the beginning the seed), and the seed. Bound to the
 * packet like this, no stretch can be made before the packet is there: of a bare chain all but one could.
 */
export function stretchStart(previous: Uint8Array, seed: Uint8Array): Uint8Array {
  return concat(previous, seed);
}

/** SHA-256, applied so many times. */
export function hashTimes(start: Uint8Array, times: number, sha256: Crypto['sha256']): Uint8Array {
  let value = start;
  for (let done = 0; done < times; done++) value = sha256(value);
  return value;
}
