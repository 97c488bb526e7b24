import { hash } from 'node:crypto';
import { sha256Chain } from '../../../core/sha256Chain.ts';

/** SHA-256 of any bytes, and of what comes of it, so many times. */
export function hashStretch(start: Uint8Array, times: number): Uint8Array {
  const first = hash('sha256', start, 'buffer');
  return times === 1 ? first : sha256Chain(first, times - 1);
}
