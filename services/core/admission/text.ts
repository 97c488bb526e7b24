import { z } from 'zod';
import { utf8 } from '../bytes.ts';

/** Text of so many bytes of UTF-8 at most, without half of a surrogate pair. */
export const textAtMost = (bytes: number) =>
  z
    .string()
    .max(bytes)
    .refine((text) => text.isWellFormed(), 'holds half of a surrogate pair')
    .refine((text) => utf8(text).length <= bytes, `more than ${bytes} bytes of UTF-8`);
