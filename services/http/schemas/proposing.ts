import { z } from 'zod';
import type { Changed, Proposed, Voted } from '../../app/governance/ProposalActions.ts';
import { ownVoteSchema, signedVoteSchema } from '../../core/governance/ballot.ts';
import { supports } from '../../core/governance/names.ts';
import { proposalDraftSchema } from '../../core/governance/proposalDraft.ts';
import { signedProposalSchema } from '../../core/governance/proposalRequest.ts';
import { addressSchema, hashSchema } from '../../core/schemas.ts';
import { acceptanceDoc } from './records.ts';

/** Body of `POST /v1/proposals`. */
export const proposalRequestDoc = z
  .union([
    proposalDraftSchema.meta({
      id: 'ProposalDraft',
      description:
        'The centre completes, signs and proposes it. Of a resource proposal `base` (the version at the head), `configurationHash` and `uri` may be left out. The same draft again is the same proposal.',
    }),
    signedProposalSchema.meta({
      id: 'SignedProposal',
      description: 'Completed and signed by a member elsewhere; this centre hands it in. See docs/protocol.md.',
    }),
  ])
  .meta({ id: 'ProposalRequest' });

/** Answer of `POST /v1/proposals`. */
export const proposedSchema = z
  .object({
    proposalId: hashSchema,
    contentHash: hashSchema,
    recordId: hashSchema.meta({ description: 'Of the request, in the log' }),
    acceptance: acceptanceDoc.optional().meta({ description: 'Left out where the record is in the log already' }),
    transactionHash: hashSchema.optional().meta({
      description: 'Left out where the chain had the proposal already, and it is not confirmed yet',
    }),
  })
  .meta({ id: 'Proposed' });

/** Body of `POST /v1/proposals/{id}/votes`. */
export const voteRequestDoc = z
  .union([
    ownVoteSchema.meta({
      id: 'OwnVote',
      description:
        'The centre itself votes: by `transaction` (default), or by `signature`, which is collected and handed in with those of others, as soon as they decide or shortly before the vote ends',
    }),
    signedVoteSchema.meta({ id: 'SignedVote', description: 'A ballot that its voter has signed elsewhere' }),
  ])
  .meta({ id: 'VoteRequest' });

const voted = { proposalId: hashSchema, voter: addressSchema, support: z.enum(supports), reason: z.string() };

/** Answer of `POST /v1/proposals/{id}/votes`. */
export const votedSchema = z
  .union([
    z.object({ ...voted, by: z.literal('transaction'), transactionHash: hashSchema }),
    z.object({ ...voted, by: z.literal('signature'), signature: z.string() }),
  ])
  .meta({ id: 'Voted', description: 'A vote that stands on the chain, or a ballot that is kept to be handed in' });

/** Answer of `POST /v1/proposals/{id}/cancel` and `…/execute`. */
export const changedSchema = z
  .object({
    proposalId: hashSchema,
    transactionHash: hashSchema.optional().meta({
      description: 'Left out where it was done already, and is not confirmed yet',
    }),
  })
  .meta({ id: 'ProposalChanged' });

type Fits<Is extends Was, Was> = Is;
/** Holds at compile time only. @public */
export type ProposingShapes = [
  Fits<Proposed, z.input<typeof proposedSchema>>,
  Fits<Voted, z.input<typeof votedSchema>>,
  Fits<Changed, z.input<typeof changedSchema>>,
];
