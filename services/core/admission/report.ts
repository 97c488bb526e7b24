import { z } from 'zod';
import { type Hash, toHex, utf8 } from '../bytes.ts';
import { canonicalText } from '../canonicalJson.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import { type ErrorCode, errorTable } from '../errors.ts';
import { nodeEntrySchema } from '../governance/proposalContent.ts';
import { networkNameSchema } from '../networkNameSchema.ts';
import { timeSchema } from '../recordSchema.ts';
import { addressSchema, hashSchema, uintSchema } from '../schemas.ts';
import { measuredSchema } from './measured.ts';
import { checks } from './packet.ts';
import { reportedSchema } from './reported.ts';
import { textAtMost } from './text.ts';

/** Where the caller's address belongs to, by an offline database. */
export const locationSchema = z.strictObject({
  /** ISO 3166-1 alpha-2; left out where the database does not know. */
  country: z
    .string()
    .regex(/^[A-Z]{2}$/)
    .optional(),
  /** The range of addresses that it knows: `203.0.113.0/24`. Never the address itself. */
  network: textAtMost(64).optional(),
  /** Number and name of the autonomous system, where the operator has such a database. */
  systemNumber: uintSchema.optional(),
  systemName: textAtMost(128).optional(),
});

/** See {@link locationSchema}. */
export type Location = z.infer<typeof locationSchema>;

const head = {
  network: networkNameSchema,
  authenticator: addressSchema,
  candidate: addressSchema,
  purpose: z.enum(['join', 'renewal']),
  time: timeSchema,
  location: locationSchema,
  entry: nodeEntrySchema.omit({ account: true }),
  statement: textAtMost(4_000),
  manifestHash: hashSchema,
  /** Nobody has checked these. */
  reported: reportedSchema,
};

/** What an authenticator found out about a node that passed; SHA-256 of its canonical bytes is the profile digest on chain. */
export const reportSchema = z.strictObject({
  format: z.literal('notarium-profile/1'),
  ...head,
  measured: measuredSchema,
  score: uintSchema.max(2 ** 32 - 1),
});

/** See {@link reportSchema}. */
export type Report = z.infer<typeof reportSchema>;

/** Why an authenticator refused a node. */
export const admissionRefusalSchema = z.strictObject({
  format: z.literal('notarium-admission-refusal/1'),
  ...head,
  /** What had been measured until then. */
  measured: measuredSchema.partial(),
  code: z.custom<ErrorCode>((code) => typeof code === 'string' && Object.hasOwn(errorTable, code)),
  reason: textAtMost(1_000),
  check: z.enum(checks).optional(),
  /** The figure that was too low, and what the rules ask for. */
  have: z.number().optional(),
  want: z.number().optional(),
  unit: textAtMost(32).optional(),
});

/** See {@link admissionRefusalSchema}. */
export type AdmissionRefusal = z.infer<typeof admissionRefusalSchema>;

/** Kind of the records that put reports and refusals into the log; the subject is `admission:<candidate>`. */
export const admissionKind = 'x-admission';

/** Canonical bytes of a report or refusal, and their SHA-256. */
export function sealedReport(
  report: Report | AdmissionRefusal,
  crypto: Pick<Crypto, 'sha256'> = portableCrypto,
): { readonly bytes: Uint8Array; readonly hash: Hash } {
  const bytes = utf8(canonicalText(report));
  return { bytes, hash: toHex(crypto.sha256(bytes)) };
}
