import { randomBytes } from 'node:crypto';
import { type Hash, toHex } from '../core/bytes.ts';

/** 32 random bytes: a salt, a secret, or an id that nobody else has. */
export function randomHash(): Hash {
  return toHex(randomBytes(32));
}
