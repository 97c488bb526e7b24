import { z } from 'zod';
import { admissionRulesSchema } from '../governance/proposalContent.ts';
import { addressSchema, hashSchema, hexSchema, uintSchema } from '../schemas.ts';
import { packetSchema, workLimits } from './packet.ts';
import { reportSchema } from './report.ts';

/** What an authenticator says of itself: `GET /v1/admission`. */
export const authenticatorSchema = z.strictObject({
  authenticator: addressSchema,
  /** What it measures by, as the chain has it. */
  rules: admissionRulesSchema,
});

/** See {@link authenticatorSchema}. */
export type AuthenticatorView = z.infer<typeof authenticatorSchema>;

/** What a candidate applies with, as `NodeRegistry` takes it. */
export const applicationSchema = z.strictObject({
  /** EIP-712 hash of the candidate's entry. */
  entryHash: hashSchema,
  manifestHash: hashSchema,
  profileDigest: hashSchema,
  score: uintSchema.max(2 ** 32 - 1),
  /** The last second in which it serves, Unix. */
  expiry: uintSchema.max(2 ** 48 - 1),
  /** `appliedAt` of the candidate. */
  nonce: uintSchema.max(2 ** 48 - 1),
});

/** The next packet of a session. */
const packetAnswer = z.strictObject({
  /** Names the session; whoever knows it can answer for the candidate. */
  session: z.string().regex(/^[A-Za-z0-9_-]{22,64}$/),
  packets: uintSchema.min(1).max(workLimits.packets),
  packet: packetSchema,
});

/** The end of a session that the node has passed. */
const passedAnswer = z.strictObject({
  report: reportSchema,
  /** Left out of a renewal: there is nothing to apply for. */
  attestation: z
    .strictObject({ application: applicationSchema, authenticator: addressSchema, signature: hexSchema(64) })
    .optional(),
});

/** What a request and each answer is answered with, unless the node has failed: that is a problem with a code of its own. */
export const sessionAnswerSchema = z.union([packetAnswer, passedAnswer]);

/** See {@link sessionAnswerSchema}. */
export type SessionAnswer = z.infer<typeof sessionAnswerSchema>;
