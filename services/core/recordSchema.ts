import { z } from 'zod';
import { networkNameSchema } from './networkNameSchema.ts';
import { addressPattern, addressSchema, hashPattern, hashSchema } from './schemas.ts';

/** Largest entry: canonical bytes of a record, signature included. */
export const maxEntryBytes = 16 * 1024;
/** Largest canonical form of `meta`. */
export const maxMetaBytes = 4 * 1024;
/** Deepest nesting in a record, the record itself included. */
export const maxRecordDepth = 12;

/** Regular expressions of the fields' texts: the schemas below and the short way of canonicalRecord.ts are made of them. */
export const fieldPatterns = {
  digest: 'sha-256:[0-9a-f]{64}',
  kind: '(?:evidence|database|activity|resource|aggregate|x-[a-z0-9][a-z0-9.-]{0,61})',
  time: '[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z',
  signature: '0x(?:[0-9a-f]{128}|[0-9a-f]{130})',
  address: addressPattern,
  hash: hashPattern,
} as const;

const whole = (pattern: string): RegExp => new RegExp(`^${pattern}$`);
const timePattern = whole(fieldPatterns.time);
const digestPattern = whole(fieldPatterns.digest);
const signaturePattern = whole(fieldPatterns.signature);

/** Whether a value is a moment as {@link timeSchema} wants it. */
export function isTime(value: unknown): value is string {
  if (typeof value !== 'string' || !timePattern.test(value)) return false;
  const unixMs = Date.parse(value);
  // Date.parse takes 30 February and 24:00 for moments of the day that they run into.
  return unixMs >= 0 && new Date(unixMs).getUTCDate() === Number(value.slice(8, 10));
}

const isMeta = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** RFC 3339 UTC with milliseconds, exactly as `Date.prototype.toISOString` writes it. */
export const timeSchema = z.custom<string>(isTime, { message: 'not a time like 2026-11-21T01:30:00.000Z' });

/** `sha-256:` and 64 lower-case hexadecimal digits. */
export const digestSchema = z.custom<`sha-256:${string}`>(
  (value) => typeof value === 'string' && digestPattern.test(value),
  { message: 'not sha-256: and 64 lower-case hexadecimal digits' },
);

/** evidence, database, activity, resource, aggregate, or a private kind `x-…`. */
export const kindSchema = z.string().regex(whole(fieldPatterns.kind), 'not a known kind, nor x-…');

/** Whether a text may be what a record is about. */
export function isSubject(text: string): boolean {
  if (text.length < 1 || !text.isWellFormed()) return false;
  return text.length <= 256 || [...text].length <= 256;
}

const subjectSchema = z.string().refine(isSubject, { message: 'not 1 to 256 characters' });

/** What a submitter states; the signature covers all of it (DESIGN.md section 3). */
export const unsignedRecordSchema = z.strictObject({
  v: z.literal(1),
  network: networkNameSchema,
  kind: kindSchema,
  subject: subjectSchema,
  digest: digestSchema,
  time: timeSchema,
  expires: timeSchema.optional(),
  supersedes: hashSchema.optional(),
  holder: addressSchema.optional(),
  meta: z.custom<Record<string, unknown>>(isMeta, { message: 'not an object' }).optional(),
  submitter: addressSchema,
});

/** See {@link unsignedRecordSchema}. */
export type UnsignedRecord = z.infer<typeof unsignedRecordSchema>;

/** One signed statement: who, what kind, about what, which digest, when. */
export const recordSchema = z.strictObject({
  ...unsignedRecordSchema.shape,
  // One spelling only, else anybody could make many entries of one signature by the case of its digits.
  signature: z
    .string()
    .refine((text) => signaturePattern.test(text), 'not 0x and 64 or 65 bytes in lower-case hexadecimal'),
});

/** See {@link recordSchema}. */
export type NotariumRecord = z.infer<typeof recordSchema>;
