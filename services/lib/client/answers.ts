import { z } from 'zod';
import { acceptanceSchema, refusalSchema } from '../../core/acceptance.ts';
import { blockHeaderSchema } from '../../core/block.ts';
import { recordSchema } from '../../core/recordSchema.ts';
import { addressSchema, hashSchema, uintSchema } from '../../core/schemas.ts';

// Answers are read loosely: a newer centre may say more, and this client must not break on it.

/** `GET /v1/network`. */
export const networkAnswerSchema = z.looseObject({
  network: z.string(),
  chainId: uintSchema,
  contract: addressSchema,
  registry: addressSchema.optional(),
  governor: addressSchema.optional(),
  periodSeconds: z.int().min(1),
  graceSeconds: z.int().min(0),
  epoch: uintSchema,
  quorum: z.int().min(1),
  origin: z.string(),
  centres: z.array(
    z.looseObject({
      address: addressSchema,
      name: z.string(),
      endpoint: z.string(),
      noteKey: hashSchema.optional(),
      verifierKey: z.string().optional(),
      status: z.string().optional(),
    }),
  ),
  committees: z.array(z.looseObject({ epoch: uintSchema, members: z.array(addressSchema).min(1) })).min(1),
});

/** See {@link networkAnswerSchema}. */
export type NetworkAnswer = z.infer<typeof networkAnswerSchema>;

/** `POST /v1/records`. */
export const submitAnswerSchema = z.looseObject({
  status: z.enum(['accepted', 'known', 'logged']),
  id: hashSchema,
  acceptance: acceptanceSchema.optional(),
  leafIndex: uintSchema.optional(),
});

/** See {@link submitAnswerSchema}. */
export type SubmitAnswer = z.infer<typeof submitAnswerSchema>;

/** One line of the answer to `POST /v1/records/batch`. */
export const batchLineSchema = z.looseObject({
  line: uintSchema,
  status: z.string(),
  id: hashSchema.optional(),
  acceptance: acceptanceSchema.optional(),
  leafIndex: uintSchema.optional(),
  error: z.looseObject({ code: z.string() }).optional(),
  /** On the last line of an answer that ends early: neither this line nor any after it was taken. */
  stopped: z.boolean().optional(),
});

/** `GET /v1/records/:id`. */
export const recordAnswerSchema = z.looseObject({
  id: hashSchema,
  record: recordSchema,
  state: z.enum(['pooled', 'logged', 'refused']),
  acceptance: acceptanceSchema.optional(),
  leafIndex: uintSchema.optional(),
  height: uintSchema.optional(),
  refusal: refusalSchema.optional(),
  supersededBy: hashSchema.optional(),
});

/** See {@link recordAnswerSchema}. */
export type RecordAnswer = z.infer<typeof recordAnswerSchema>;

/** `GET /v1/blocks/:height`. */
export const blockAnswerSchema = z.looseObject({ header: blockHeaderSchema, state: z.string() });

/** `GET /v1/records?digest=…`. */
export const searchAnswerSchema = z.looseObject({ items: z.array(recordAnswerSchema), next: z.string().optional() });

/** `GET /v1/status`. */
export const statusAnswerSchema = z.looseObject({
  centre: addressSchema,
  network: z.string(),
  version: z.string(),
  startedAt: z.string(),
  ready: z.boolean(),
  problems: z.array(z.looseObject({ code: z.string(), detail: z.string() })),
  pool: z.looseObject({ count: uintSchema, bytes: uintSchema, oldestAgeSeconds: z.number().nullable() }),
  log: z.looseObject({ size: uintSchema, root: hashSchema }),
  height: uintSchema,
  anchoredHeight: uintSchema,
  slot: uintSchema,
  lastPublisher: addressSchema.optional(),
  lagBlocks: uintSchema.optional(),
  peers: z.array(z.looseObject({ address: addressSchema, connected: z.boolean() })).optional(),
  crypto: z.string(),
});

/** See {@link statusAnswerSchema}. */
export type StatusAnswer = z.infer<typeof statusAnswerSchema>;

const apiKeySchema = z.looseObject({
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.string()),
  createdAt: z.string(),
  revokedAt: z.string().optional(),
});

/** `GET /v1/keys`. */
export const keyListAnswerSchema = z.looseObject({ items: z.array(apiKeySchema) });

/** `POST /v1/keys`. */
export const createdKeyAnswerSchema = z.looseObject({ key: apiKeySchema, secret: z.string() });
