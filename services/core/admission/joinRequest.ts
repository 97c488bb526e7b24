import { z } from 'zod';
import { type Hash, toHex, utf8 } from '../bytes.ts';
import { canonicalText } from '../canonicalJson.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import { addressWord, hashWord, structHasher } from '../eip712.ts';
import { nodeEntrySchema } from '../governance/proposalContent.ts';
import type { Verifier } from '../governance/signing.ts';
import { networkNameSchema } from '../networkNameSchema.ts';
import { timeSchema } from '../recordSchema.ts';
import { addressSchema, hexSchema, uintSchema } from '../schemas.ts';
import { reportSchema } from './report.ts';
import { reportedSchema } from './reported.ts';
import { textAtMost } from './text.ts';

/** Why a node is challenged: it wants to become a centre, or is one and shows that it still meets the minimum. */
export const purposes = ['join', 'renewal'] as const;

/** See {@link purposes}. */
export type Purpose = (typeof purposes)[number];

/** Public information of a candidate, as the registry takes it; the account stands beside it. */
export const entrySchema = nodeEntrySchema.omit({ account: true });

/** See {@link entrySchema}. */
export type Entry = z.infer<typeof entrySchema>;

/** What a candidate asks an authenticator with, signed by its own key (see {@link joinRequestDigest}). */
export const joinRequestSchema = z.strictObject({
  format: z.literal('notarium-join/1'),
  network: networkNameSchema,
  /** The one that is asked: the request serves at no other. */
  authenticator: addressSchema,
  candidate: addressSchema,
  purpose: z.enum(purposes),
  entry: entrySchema,
  /** What the operator says to the reviewers. */
  statement: textAtMost(4_000),
  reported: reportedSchema,
  /** When it was signed: an authenticator takes it for some minutes. */
  time: timeSchema,
  /** What another authenticator has attested already, to be attested by this one too. */
  confirms: z.strictObject({ report: reportSchema, expiry: uintSchema.max(2 ** 48 - 1) }).optional(),
});

/** See {@link joinRequestSchema}. */
export type JoinRequest = z.infer<typeof joinRequestSchema>;

/** A request as it is posted. */
export const signedJoinRequestSchema = z.strictObject({ request: joinRequestSchema, signature: hexSchema(64, 65) });

/** See {@link signedJoinRequestSchema}. */
export type SignedJoinRequest = z.infer<typeof signedJoinRequestSchema>;

const hasher = structHasher('JoinRequest(address candidate,bytes32 requestHash)');

/** What a candidate signs: EIP-712 `JoinRequest` under the registry; the hash is SHA-256 of the canonical request. */
export function joinRequestDigest(
  registry: Verifier,
  request: JoinRequest,
  crypto: Pick<Crypto, 'sha256' | 'keccak256'> = portableCrypto,
): Uint8Array {
  const hash: Hash = toHex(crypto.sha256(utf8(canonicalText(request))));
  return hasher.digest(registry, [addressWord(request.candidate), hashWord(hash)], crypto.keccak256);
}
