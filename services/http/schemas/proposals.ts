import { z } from 'zod';
import type { RulesView } from '../../app/governance/ProposalLookUp.ts';
import type { ProposalView } from '../../app/governance/proposalView.ts';
import { aggregations, proposalKinds, supports } from '../../core/governance/names.ts';
import { ruleSchema } from '../../core/governance/proposalContent.ts';
import { proposalOutcomeSchema, proposalResultSchema } from '../../core/governance/proposalResult.ts';
import { proposalStates } from '../../core/governance/proposalState.ts';
import { addressSchema, hashSchema, uintSchema } from '../../core/schemas.ts';

const seconds = (description: string) => uintSchema.meta({ description: `${description}, Unix seconds` });

/** A proposal as the confirmed events of the chain have it. */
export const proposalViewSchema = z
  .object({
    proposalId: hashSchema.meta({ description: 'Number of the proposal, as 32 bytes of hexadecimal' }),
    state: z.enum(proposalStates).meta({
      description: 'By the events that are confirmed, and the time of the chain, as the contract would answer',
    }),
    kind: z.enum(proposalKinds),
    proposer: addressSchema,
    title: z.string().optional().meta({ description: 'Left out where this centre does not have the content' }),
    contentHash: hashSchema.meta({ description: 'SHA-256; the content is at `/v1/contents/sha-256:…`' }),
    epoch: uintSchema.meta({ description: 'The electorate is the committee of this epoch' }),
    aggregation: z.enum(aggregations),
    quorumVotes: uintSchema.meta({ description: 'Votes that must take part: for, against or abstain' }),
    totalVotes: uintSchema,
    forVotes: uintSchema,
    againstVotes: uintSchema,
    abstainVotes: uintSchema,
    voteStart: seconds('First second in which votes are taken'),
    voteEnd: seconds('Last second in which votes are taken'),
    electorate: z.array(z.object({ account: addressSchema, votes: uintSchema })),
    votes: z.array(
      z.object({
        voter: addressSchema,
        support: z.enum(supports),
        votes: uintSchema,
        reason: z.string().meta({ description: 'Cut short in lists' }),
        time: seconds('Time of its block'),
        transactionHash: hashSchema,
      }),
    ),
    outcome: proposalOutcomeSchema.optional().meta({
      id: 'ProposalOutcome',
      description: 'What the centres sign, once a confirmed block decides',
    }),
    createdAt: seconds('Time of its block'),
    transactionHash: hashSchema,
  })
  .meta({ id: 'Proposal' });

/** A page of proposals, newest first. */
export const proposalPageDoc = z
  .object({
    items: z.array(proposalViewSchema),
    next: z.string().optional().meta({ description: 'Cursor of the next page; a page with a next one may be short' }),
  })
  .meta({ id: 'ProposalPage' });

/** One proposal with its result data. */
export const proposalDetailDoc = proposalViewSchema
  .extend({
    result: proposalResultSchema
      .meta({ id: 'ProposalResult', description: 'Result data, checked as docs/protocol.md says' })
      .nullable()
      .meta({ description: 'null while the content or the transaction is not there' }),
  })
  .meta({ id: 'ProposalDetail' });

/** Rules of all kinds, and weights. */
export const rulesDoc = z
  .object({
    rules: z.array(ruleSchema.extend({ kind: z.enum(proposalKinds) })),
    weights: z
      .array(z.object({ account: addressSchema, votes: uintSchema }))
      .meta({ description: 'Where a rule is weighted; whoever is not named has 1 vote' }),
  })
  .meta({ id: 'Rules' });

type Fits<Is extends Was, Was> = Is;
type Mutable<T> = T extends string ? T : T extends object ? { -readonly [Key in keyof T]: Mutable<T[Key]> } : T;
/** Holds at compile time only. @public */
export type ProposalShapes = [
  Fits<Mutable<ProposalView>, Mutable<z.input<typeof proposalViewSchema>>>,
  Fits<Mutable<RulesView>, Mutable<z.input<typeof rulesDoc>>>,
];
