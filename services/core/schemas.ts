import { z } from 'zod';
import type { Address, Hash, Hex } from './bytes.ts';

/** Regular expression of a 20-byte address in lower case. */
export const addressPattern = '0x[0-9a-f]{40}';
/** Regular expression of a 32-byte hash in lower case. */
export const hashPattern = '0x[0-9a-f]{64}';

const isAddress = new RegExp(`^${addressPattern}$`);
const isHash = new RegExp(`^${hashPattern}$`);

/** 20-byte address in lower case. */
export const addressSchema = z.custom<Address>((value) => typeof value === 'string' && isAddress.test(value), {
  message: 'not 0x and 40 lower-case hexadecimal digits',
});

/** 32-byte hash in lower case. */
export const hashSchema = z.custom<Hash>((value) => typeof value === 'string' && isHash.test(value), {
  message: 'not 0x and 64 lower-case hexadecimal digits',
});

/** Hexadecimal text of one of the given sizes in bytes, in lower case. */
export function hexSchema(...sizesBytes: number[]): z.ZodType<Hex> {
  return z.custom<Hex>(
    (value) =>
      typeof value === 'string' && sizesBytes.includes((value.length - 2) / 2) && /^0x(?:[0-9a-f]{2})+$/.test(value),
    { message: `not 0x and ${sizesBytes.join(' or ')} bytes in lower-case hexadecimal` },
  );
}

/** Unsigned integer that a JSON number holds exactly. */
export const uintSchema = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
