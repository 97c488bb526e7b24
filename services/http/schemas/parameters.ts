import { z } from 'zod';

/** An integer in a query or path: decimal digits and nothing else. */
export function integerText(minimum: number, maximum: number, description: string) {
  return z
    .string()
    .regex(/^(?:0|[1-9][0-9]{0,15})$/, 'not a whole number')
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum, `not from ${minimum} to ${maximum}`)
    .meta({
      description,
      // The document speaks of the number that the text stands for.
      override: ({ jsonSchema }) => {
        delete jsonSchema.pattern;
        Object.assign(jsonSchema, { type: 'integer', minimum, maximum });
      },
    });
}

/** How many items a page holds. */
export const limitParameter = (maximum: number, usual: number) =>
  integerText(1, maximum, `Items on a page; ${usual} by default`).optional();
