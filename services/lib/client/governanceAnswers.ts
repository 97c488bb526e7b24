import { z } from 'zod';
import { acceptanceSchema } from '../../core/acceptance.ts';
import { aggregations, proposalKinds, supports } from '../../core/governance/names.ts';
import { ruleSchema } from '../../core/governance/proposalContent.ts';
import { proposalOutcomeSchema, proposalResultSchema } from '../../core/governance/proposalResult.ts';
import { proposalStates } from '../../core/governance/proposalState.ts';
import { addressSchema, hashSchema, uintSchema } from '../../core/schemas.ts';

// Answers are read loosely: a newer centre may say more, and this client must not break on it.

const pageOf = <T extends z.ZodType>(item: T) => z.looseObject({ items: z.array(item), next: z.string().optional() });

/** One proposal in `GET /v1/proposals`. Times are Unix seconds. */
export const proposalAnswerSchema = z.looseObject({
  proposalId: hashSchema,
  state: z.enum(proposalStates),
  kind: z.enum(proposalKinds),
  proposer: addressSchema,
  /** Where the centre has the content. */
  title: z.string().optional(),
  contentHash: hashSchema,
  /** The electorate is the committee of this epoch. */
  epoch: uintSchema,
  aggregation: z.enum(aggregations),
  quorumVotes: uintSchema,
  totalVotes: uintSchema,
  forVotes: uintSchema,
  againstVotes: uintSchema,
  abstainVotes: uintSchema,
  /** First and last second in which votes are taken. */
  voteStart: uintSchema,
  voteEnd: uintSchema,
  createdAt: uintSchema,
  electorate: z.array(z.looseObject({ account: addressSchema, votes: uintSchema })),
  votes: z.array(
    z.looseObject({
      voter: addressSchema,
      support: z.enum(supports),
      votes: uintSchema,
      reason: z.string(),
      time: uintSchema,
      transactionHash: hashSchema,
    }),
  ),
  outcome: proposalOutcomeSchema.loose().optional(),
});

/** See {@link proposalAnswerSchema}. */
export type ProposalAnswer = z.infer<typeof proposalAnswerSchema>;

/** `GET /v1/proposals`. */
export const proposalPageSchema = pageOf(proposalAnswerSchema);

/** `GET /v1/proposals/:id`. */
export const proposalDetailSchema = proposalAnswerSchema.extend({
  /** Result data; null while a part of it is not there. */
  result: proposalResultSchema.nullish(),
});

/** See {@link proposalDetailSchema}. */
export type ProposalDetail = z.infer<typeof proposalDetailSchema>;

/** `POST /v1/proposals`. */
export const proposedAnswerSchema = z.looseObject({
  proposalId: hashSchema,
  contentHash: hashSchema,
  recordId: hashSchema,
  acceptance: acceptanceSchema.optional(),
  transactionHash: hashSchema.optional(),
});

/** See {@link proposedAnswerSchema}. */
export type ProposedAnswer = z.infer<typeof proposedAnswerSchema>;

/** `POST /v1/proposals/:id/votes`. */
export const votedAnswerSchema = z.looseObject({
  proposalId: hashSchema,
  voter: addressSchema,
  support: z.enum(supports),
  reason: z.string().optional(),
  by: z.enum(['transaction', 'signature']),
  transactionHash: hashSchema.optional(),
  signature: z.string().optional(),
});

/** See {@link votedAnswerSchema}. */
export type VotedAnswer = z.infer<typeof votedAnswerSchema>;

/** `POST /v1/proposals/:id/cancel` and `execute`; without the hash where it was done already. */
export const changedAnswerSchema = z.looseObject({ proposalId: hashSchema, transactionHash: hashSchema.optional() });

/** See {@link changedAnswerSchema}. */
export type ChangedAnswer = z.infer<typeof changedAnswerSchema>;

/** `GET /v1/rules`. */
export const rulesAnswerSchema = z.looseObject({
  rules: z.array(ruleSchema.loose().extend({ kind: z.enum(proposalKinds) })),
  weights: z.array(z.looseObject({ account: addressSchema, votes: uintSchema })),
});

/** See {@link rulesAnswerSchema}. */
export type RulesAnswer = z.infer<typeof rulesAnswerSchema>;

const ownVersionSchema = z.looseObject({
  version: uintSchema,
  /** How far this node is with it. */
  state: z.string(),
  changedAt: z.string(),
  reason: z.string().optional(),
  fallback: uintSchema.optional(),
  /** The last look at what is really there. */
  check: z
    .looseObject({
      time: z.string(),
      matches: z.boolean(),
      actualHash: hashSchema.optional(),
      differences: z.array(z.string()),
      problem: z.string().optional(),
    })
    .optional(),
});

/** One set in `GET /v1/resources`. */
export const resourceSetSchema = z.looseObject({
  /** Left out while no content tells it. */
  resourceSet: z.string().optional(),
  id: hashSchema,
  head: uintSchema,
  inForce: uintSchema,
  own: ownVersionSchema.optional(),
});

/** See {@link resourceSetSchema}. */
export type ResourceSetAnswer = z.infer<typeof resourceSetSchema>;

/** `GET /v1/resources`. */
export const resourceListSchema = z.looseObject({ items: z.array(resourceSetSchema) });

const versionSchema = z.looseObject({
  version: uintSchema,
  state: z.enum(['passed', 'applied', 'verified', 'failed']),
  parent: uintSchema,
  epoch: uintSchema,
  proposalId: hashSchema,
  configurationHash: hashSchema,
  uri: z.string(),
  addedAt: uintSchema,
  matching: uintSchema,
  differing: uintSchema,
});

/** `GET /v1/resources/:set`. */
export const resourcePageSchema = resourceSetSchema.extend({ versions: pageOf(versionSchema) });

/** See {@link resourcePageSchema}. */
export type ResourceSetPage = z.infer<typeof resourcePageSchema>;

/** `GET /v1/resources/:set/versions/:version`. */
export const resourceVersionSchema = versionSchema.extend({
  resourceSet: z.string().optional(),
  id: hashSchema,
  own: ownVersionSchema.optional(),
  /** The latest of each node. */
  reports: z.array(
    z.looseObject({
      reporter: addressSchema,
      matches: z.boolean(),
      // A reporter may have chosen one beyond what is exact.
      sequence: z.number(),
      actualHash: hashSchema,
      recordId: hashSchema,
      time: uintSchema,
    }),
  ),
});

/** See {@link resourceVersionSchema}. */
export type ResourceVersionAnswer = z.infer<typeof resourceVersionSchema>;

/** One event of `GET /v1/events`. */
export const eventAnswerSchema = z.looseObject({
  seq: uintSchema,
  type: z.string(),
  time: z.string(),
  data: z.record(z.string(), z.unknown()),
});

/** See {@link eventAnswerSchema}. */
export type EventAnswer = z.infer<typeof eventAnswerSchema>;
