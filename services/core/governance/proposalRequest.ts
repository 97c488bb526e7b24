import { z } from 'zod';
import { uintSchema } from '../schemas.ts';
import { parseStrictJson } from '../strictJson.ts';
import { anySignatureSchema } from './ballot.ts';
import {
  type CheckedContent,
  invalidProposal,
  maxContentBytes,
  maxContentDepth,
  readProposalContent,
} from './proposalContent.ts';
import { type DraftedProposal, proposalDraftSchema } from './proposalDraft.ts';

/** Longest text of a request, in bytes: twice the largest content, since it need not be canonical. */
export const maxProposalRequestBytes = 2 * maxContentBytes;

/** A proposal that a member has completed and signed elsewhere. */
export const signedProposalSchema = z.strictObject({
  /** Looked at by {@link readProposalContent}. */
  content: z.record(z.string(), z.unknown()),
  /** The proposer's, over `proposalDigest`. */
  signature: anySignatureSchema,
  /** The last second in which it can be handed in, Unix. */
  validUntil: uintSchema.max(2 ** 48 - 1),
});

/** What a centre is asked to propose. */
export type ProposalRequest =
  | { readonly draft: DraftedProposal }
  | { readonly signed: CheckedContent & Pick<z.infer<typeof signedProposalSchema>, 'signature' | 'validUntil'> };

/**
 * A draft for the centre to complete, or a signed proposal, told apart by `content`.
 * @throws NotariumError the `json-…` and `text-…` codes; `proposal-invalid` with data.field.
 */
export function readProposalRequest(text: string | Uint8Array): ProposalRequest {
  // The content stands one level deeper than alone.
  const value = parseStrictJson(text, { maxSize: maxProposalRequestBytes, maxDepth: maxContentDepth + 1 });
  if (typeof value === 'object' && value !== null && 'content' in value) {
    const parsed = signedProposalSchema.safeParse(value);
    if (!parsed.success) throw invalidProposal(parsed.error);
    const { content, ...rest } = parsed.data;
    return { signed: { ...readProposalContent(content), ...rest } };
  }
  const parsed = proposalDraftSchema.safeParse(value);
  if (!parsed.success) throw invalidProposal(parsed.error);
  return { draft: parsed.data };
}
