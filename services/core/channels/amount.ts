import { z } from 'zod';

/** Most that a channel can hold: 2^128 - 1 of the smallest unit. */
export const maxAmount = (1n << 128n) - 1n;

const maxSalt = (1n << 64n) - 1n;

function decimalSchema(most: bigint): z.ZodType<bigint, unknown> {
  const digits = most.toString().length;
  const pattern = new RegExp(`^(0|[1-9][0-9]{0,${digits - 1}})$`);
  return z
    .custom<string>((value) => typeof value === 'string' && pattern.test(value) && BigInt(value) <= most, {
      message: `not a decimal number up to ${most}`,
    })
    .transform(BigInt);
}

/** An amount of money in its smallest unit: decimal text in JSON, since a JSON number would lose digits. */
export const amountSchema: z.ZodType<bigint, unknown> = decimalSchema(maxAmount);

/** The number that tells channels of the same kind apart; decimal text in JSON. */
export const saltSchema: z.ZodType<bigint, unknown> = decimalSchema(maxSalt);

/** JSON of a value that may hold amounts, each as decimal text. */
export function jsonWithAmounts(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? item.toString() : item));
}
