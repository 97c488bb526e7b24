/**
 * Arithmetic on tree sizes and indexes up to 2^53 - 1, where JavaScript's bit operators (32 bits) would be wrong.
 */

/** floor(value / 2^bits). */
export function shiftRight(value: number, bits: number): number {
  return Math.floor(value / 2 ** bits);
}

/** Whether the lowest bit is one. */
export function isOdd(value: number): boolean {
  return value % 2 === 1;
}

/** Positions of the binary ones of a size, highest first: the levels of its complete subtrees from left to right. */
export function onesOf(value: number): number[] {
  const ones: number[] = [];
  for (let bit = 0, rest = value; rest > 0; bit++, rest = Math.floor(rest / 2)) if (rest % 2 === 1) ones.push(bit);
  return ones.reverse();
}

/** Exponent of the largest power of two that is smaller than `value`; for value >= 2. */
export function splitLevel(value: number): number {
  const below = value - 1;
  const high = Math.floor(below / 2 ** 32);
  return high > 0 ? 63 - Math.clz32(high) : 31 - Math.clz32(below);
}

/** @throws RangeError when the value is not an integer from 0 to 2^53 - 1. */
export function requireUint(value: number, name: string): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${name} is not an unsigned integer below 2^53`);
}
