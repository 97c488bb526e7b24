import { z } from 'zod';
import { parseStrictJson } from '../strictJson.ts';
import type { ProposalKind } from './names.ts';
import {
  effectSchemas,
  invalidProposal,
  maxContentBytes,
  maxContentDepth,
  textSchema,
  titleSchema,
} from './proposalContent.ts';

/** What a draft says of a resource set: what is left out, the centre fills in from the version at the head. */
const resourceDraftSchema = effectSchemas.resource.partial({ base: true, configurationHash: true, uri: true });

const draftOf = <K extends ProposalKind, E extends z.ZodType>(kind: K, effect: E) =>
  z.strictObject({
    kind: z.literal(kind),
    title: titleSchema,
    text: textSchema,
    effect,
    /** How long it can be handed in, from now on. */
    validForSeconds: z.int().min(1).max(31_536_000).optional(),
    /** Applies the patch of a resource proposal to the version at the head, whatever `base` says. */
    rebase: z.boolean().optional(),
  });

/** A proposal that a centre completes and signs: what an operator writes into a file. */
export const proposalDraftSchema = z.discriminatedUnion('kind', [
  draftOf('admission', effectSchemas.admission),
  draftOf('suspension', effectSchemas.suspension),
  draftOf('removal', effectSchemas.removal),
  draftOf('authenticator', effectSchemas.authenticator),
  draftOf('parameter', effectSchemas.parameter),
  draftOf('resource', resourceDraftSchema),
  draftOf('general', effectSchemas.general),
]);

/** See {@link proposalDraftSchema}. */
export type DraftedProposal = z.infer<typeof proposalDraftSchema>;

/**
 * A draft from the text of its file.
 * @throws NotariumError the `json-…` and `text-…` codes; `proposal-invalid` with data.field.
 */
export function readProposalDraft(text: string | Uint8Array): DraftedProposal {
  const value = parseStrictJson(text, { maxSize: 2 * maxContentBytes, maxDepth: maxContentDepth });
  const parsed = proposalDraftSchema.safeParse(value);
  if (!parsed.success) throw invalidProposal(parsed.error);
  return parsed.data;
}
