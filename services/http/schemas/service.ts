import { z } from 'zod';
import type { ApiKeyView, CentreEvent, CentreStatus, NetworkView } from '../../app/Centre.ts';
import { eventTypes } from '../../core/eventTypes.ts';
import { addressSchema, hashSchema, uintSchema } from '../../core/schemas.ts';

/** Public facts of the network. */
export const networkSchema = z
  .object({
    network: z.string().meta({ description: 'eip155:<chain id>:<contract>' }),
    chainId: uintSchema,
    contract: addressSchema,
    registry: addressSchema,
    governor: addressSchema.optional().meta({ description: 'ConsortiumGovernor; left out while there is none' }),
    periodSeconds: z.number(),
    graceSeconds: z.number(),
    epoch: uintSchema,
    quorum: uintSchema,
    origin: z.string().meta({ description: 'Origin of the checkpoints' }),
    centres: z.array(
      z.object({
        address: addressSchema,
        name: z.string(),
        endpoint: z.string(),
        encryptionKey: hashSchema,
        noteKey: hashSchema,
        verifierKey: z.string().meta({ description: 'C2SP verifier key of the checkpoints of this centre' }),
        status: z.string(),
      }),
    ),
    committees: z
      .array(z.object({ epoch: uintSchema, members: z.array(addressSchema) }))
      .meta({ description: 'Every committee so far, oldest first: offline verifiers keep these' }),
  })
  .meta({ id: 'Network' });

/** How the centre is doing. */
export const statusSchema = z
  .object({
    centre: addressSchema,
    network: z.string(),
    version: z.string(),
    startedAt: z.string(),
    ready: z.boolean(),
    problems: z.array(z.object({ code: z.string(), detail: z.string() })),
    pool: z.object({ count: uintSchema, bytes: uintSchema, oldestAgeSeconds: z.number().nullable() }),
    log: z.object({ size: uintSchema, root: hashSchema }),
    height: uintSchema,
    anchoredHeight: uintSchema,
    slot: uintSchema,
    lastPublisher: addressSchema.optional(),
    lagBlocks: uintSchema.meta({ description: 'Anchored blocks that are not in the log yet' }),
    peers: z.array(
      z.object({
        address: addressSchema,
        connected: z.boolean(),
        score: z.number().meta({ description: '0 is blameless' }),
        cutOffReason: z.string().optional(),
      }),
    ),
    crypto: z.string(),
  })
  .meta({ id: 'Status' });

/** Where other centres reach this one. */
export const peerSchema = z
  .object({
    address: addressSchema,
    peerId: z.string().meta({ description: 'libp2p peer id: the same secp256k1 key as the address' }),
    multiaddrs: z.array(z.string()),
  })
  .meta({ id: 'Peer' });

/** One event of the stream. */
export const eventSchema = z
  .object({
    seq: uintSchema,
    type: z.enum(eventTypes),
    time: z.string(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Event', description: 'The `data` of one server-sent event; its `id` is `seq`, its `event` is `type`' });

const scopeSchema = z.enum(['submit', 'read', 'admin']);

/** An API key without its secret. */
export const apiKeySchema = z
  .object({
    id: z.string(),
    name: z.string(),
    scopes: z.array(scopeSchema),
    createdAt: z.string(),
    revokedAt: z.string().optional(),
  })
  .meta({ id: 'ApiKey' });

/** What an API key is made from. */
export const newKeySchema = z
  .strictObject({
    name: z.string().trim().min(1).max(100).meta({ description: 'Whom the key is for; becomes `meta.onBehalfOf`' }),
    scopes: z.array(scopeSchema).min(1).max(3),
  })
  .meta({ id: 'NewApiKey' });

/** A new key; the only time that its secret is shown. */
export const createdKeySchema = z
  .object({ key: apiKeySchema, secret: z.string().meta({ description: 'ntm_…; shown this once' }) })
  .meta({ id: 'CreatedApiKey' });

/** All keys. */
export const keyListSchema = z.object({ items: z.array(apiKeySchema) }).meta({ id: 'ApiKeyList' });

/** The process answers. */
export const healthSchema = z.object({ status: z.literal('ok') }).meta({ id: 'Health' });

type Fits<Is extends Was, Was> = Is;
type Mutable<T> = T extends string ? T : T extends object ? { -readonly [Key in keyof T]: Mutable<T[Key]> } : T;
/** Holds at compile time only. @public */
export type ServiceShapes = [
  Fits<Mutable<NetworkView>, Mutable<z.input<typeof networkSchema>>>,
  Fits<Mutable<CentreStatus>, Mutable<z.input<typeof statusSchema>>>,
  Fits<Mutable<CentreEvent>, Mutable<z.input<typeof eventSchema>>>,
  Fits<Mutable<ApiKeyView>, Mutable<z.input<typeof apiKeySchema>>>,
];
