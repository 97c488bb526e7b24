import { z } from 'zod';
import { reportSchema } from '../../core/admission/report.ts';
import { admissionRulesSchema } from '../../core/governance/proposalContent.ts';
import { proposalStates } from '../../core/governance/proposalState.ts';
import { addressSchema, hashSchema, hexSchema, uintSchema } from '../../core/schemas.ts';

// Answers are read loosely: a newer centre may say more, and this client must not break on it.

/** One candidate in `GET /v1/admission/applications`. Times are Unix seconds. */
export const applicationAnswerSchema = z.looseObject({
  candidate: addressSchema,
  name: z.string(),
  endpoint: z.string(),
  encryptionKey: hashSchema,
  noteKey: hashSchema,
  status: z.string(),
  /** What a vote on it names. */
  application: hexSchema(20),
  appliedAt: uintSchema,
  /** The last second in which it can be admitted. */
  expiry: uintSchema,
  score: uintSchema,
  /** SHA-256 of the report. */
  profileDigest: hashSchema,
  /** What the authenticator found; left out while no centre gives it. */
  report: reportSchema.optional(),
  /** The newest proposal to admit it. */
  proposal: z.looseObject({ proposalId: hashSchema, state: z.enum(proposalStates) }).optional(),
});

/** See {@link applicationAnswerSchema}. */
export type ApplicationAnswer = z.infer<typeof applicationAnswerSchema>;

/** `GET /v1/admission/applications`. */
export const applicationListSchema = z.looseObject({ items: z.array(applicationAnswerSchema) });

/** `GET /v1/admission`. */
export const authenticatorAnswerSchema = z.looseObject({
  authenticator: addressSchema,
  rules: admissionRulesSchema.loose(),
});

/** See {@link authenticatorAnswerSchema}. */
export type AuthenticatorAnswer = z.infer<typeof authenticatorAnswerSchema>;

/** `POST /v1/admission/manifest`. */
export const madeManifestSchema = z.looseObject({
  /** SHA-256 of the canonical manifest: what a vote sets. */
  hash: hashSchema,
  manifest: z.record(z.string(), z.unknown()),
});

/** See {@link madeManifestSchema}. */
export type MadeManifest = z.infer<typeof madeManifestSchema>;

/** One session's end in `GET /v1/admission/outcomes`. */
export const outcomeAnswerSchema = z.looseObject({
  candidate: addressSchema,
  outcome: z.enum(['passed', 'failed']),
  purpose: z.string(),
  /** Why it failed. */
  code: z.string().optional(),
  time: z.string(),
  /** Range of addresses that the candidate came from. */
  network: z.string(),
  documentHash: hashSchema,
  /** Of the record in the log that has the document's hash for its digest. */
  recordId: hashSchema,
  /** Report or refusal. */
  document: z.record(z.string(), z.unknown()),
});

/** See {@link outcomeAnswerSchema}. */
export type OutcomeAnswer = z.infer<typeof outcomeAnswerSchema>;

/** `GET /v1/admission/outcomes`. */
export const outcomePageSchema = z.looseObject({ items: z.array(outcomeAnswerSchema), next: z.string().optional() });
