import { z } from 'zod';

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** Takes what {@link parseStrictJson} gives: that has looked at every part already. */
export const jsonSchema = z.custom<Json>((value) => value !== undefined, { message: 'no value' });

/** The same for an object. */
export const jsonObjectSchema = z.custom<{ readonly [name: string]: Json }>((value) => isObject(value as Json), {
  message: 'not an object',
});

/** Whether a value is an object with members. */
export function isObject(value: Json | undefined): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
