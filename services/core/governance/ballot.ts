import { z } from 'zod';
import { utf8 } from '../bytes.ts';
import { addressSchema, hashSchema } from '../schemas.ts';
import { supports } from './names.ts';

/** Longest reason of a vote that centres sign and pass on, in bytes of UTF-8: it is paid for by who hands it in. */
export const maxReasonBytes = 2_000;

/** See {@link maxReasonBytes}. */
export const reasonSchema = z
  .string()
  .max(maxReasonBytes)
  .refine((reason) => reason.isWellFormed(), 'holds half of a surrogate pair')
  .refine((reason) => utf8(reason).length <= maxReasonBytes, `more than ${maxReasonBytes} bytes of UTF-8`);

/** A signature of a key, or whatever a contract wallet takes for one (ERC-1271), in hexadecimal. */
export const anySignatureSchema = z
  .templateLiteral(['0x', z.string()])
  .refine((text) => /^0x(?:[0-9a-f]{2}){1,1024}$/.test(text), 'not 0x and 1 to 1,024 bytes in lower-case hexadecimal');

/** A vote by signature as centres pass it on. */
export const signedBallotSchema = z.strictObject({
  proposalId: hashSchema,
  voter: addressSchema,
  support: z.enum(supports),
  /** Empty for none. */
  reason: reasonSchema,
  signature: anySignatureSchema,
});

/** See {@link signedBallotSchema}. */
export type SignedBallot = z.infer<typeof signedBallotSchema>;

/** How the centre itself is asked to vote. */
export const ownVoteSchema = z.strictObject({
  support: z.enum(supports),
  reason: reasonSchema.optional(),
  /** `transaction` (default): at once, for the gas. `signature`: collected, and handed in with those of others. */
  by: z.enum(['transaction', 'signature']).optional(),
});

/** How a centre is given a ballot that was signed elsewhere. */
export const signedVoteSchema = signedBallotSchema.omit({ proposalId: true }).partial({ reason: true });

/** What a centre is asked to vote, told apart by `signature`. */
export type VoteRequest = z.infer<typeof ownVoteSchema> | z.infer<typeof signedVoteSchema>;
