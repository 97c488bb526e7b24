import { z } from 'zod';
import { attachmentsSchema, bodySchema } from '../../core/activities/contents.ts';
import { credentialSchema } from '../../core/activities/credential.ts';
import { memberRoles } from '../../core/activities/members.ts';
import { activityKinds, activityRequests, headSchema } from '../../core/activities/message.ts';
import { sealSchema } from '../../core/activities/sealed.ts';
import { addressSchema, hashSchema, hexSchema, uintSchema } from '../../core/schemas.ts';

// Answers are read loosely: a newer centre may say more, and this client must not break on it. What is signed is read as it is.

const pageOf = <T extends z.ZodType>(item: T) => z.looseObject({ items: z.array(item), next: z.string().optional() });

/** Answer to whatever sends a message. */
export const sentMessageSchema = z.looseObject({ activity: hashSchema, message: hashSchema });

/** See {@link sentMessageSchema}. */
export type SentMessageAnswer = z.infer<typeof sentMessageSchema>;

const summarySchema = z.looseObject({
  id: hashSchema,
  kind: z.enum(activityKinds),
  request: z.enum(activityRequests),
  /** Id of the API key whose it is. */
  owner: z.string().optional(),
  /** Of the centre; left out where it is no member any more. */
  role: z.enum(memberRoles).optional(),
  epoch: uintSchema,
  heads: z.array(hashSchema),
  createdAt: z.string(),
  changedAt: z.string(),
  messageCount: uintSchema,
});

/** One activity in `GET /v1/activities`. */
export type ActivitySummaryAnswer = z.infer<typeof summarySchema>;

/** `GET /v1/activities`. */
export const activityPageSchema = pageOf(summarySchema);

const roleSchema = z.enum(memberRoles);
const changeSchema = z.union([
  z.object({ add: z.looseObject({ address: addressSchema, role: roleSchema }) }),
  z.object({ remove: addressSchema }),
]);

/** `GET /v1/activities/:id`. */
export const activityAnswerSchema = summarySchema.extend({
  terms: z.looseObject({
    kind: z.enum(activityKinds),
    request: z.enum(activityRequests),
    rules: z.looseObject({ history: z.boolean(), approval: z.string() }),
    schema: z.record(z.string(), z.unknown()).optional(),
  }),
  members: z.array(
    z.looseObject({
      ...{ address: addressSchema, role: roleSchema, name: z.string().optional() },
      /** The registry has another encryption key for it, or none. */
      hasOtherKey: z.boolean().optional(),
    }),
  ),
  isInConflict: z.boolean(),
  versions: z.array(
    z.looseObject({
      id: hashSchema,
      number: uintSchema,
      builds: z.array(hashSchema),
      sender: addressSchema,
      countersigned: z.array(addressSchema),
      recipients: uintSchema,
      unsigned: z.array(addressSchema),
      certificate: hashSchema.optional(),
      notes: z.array(hashSchema),
    }),
  ),
  proposals: z.array(
    z.looseObject({
      id: hashSchema,
      change: changeSchema,
      votes: z.array(z.looseObject({ member: addressSchema, approve: z.boolean() })),
      isApproved: z.boolean(),
      isOpen: z.boolean(),
      hasOtherKey: z.boolean().optional(),
    }),
  ),
  forks: z.array(z.looseObject({ type: z.string(), sender: addressSchema, messages: z.array(hashSchema) })),
  doubts: z.array(
    z.looseObject({ member: addressSchema, kind: z.string(), messages: z.array(hashSchema), since: z.string() }),
  ),
  unrecorded: z.array(hashSchema),
  refused: z.array(hashSchema),
});

/** See {@link activityAnswerSchema}. */
export type ActivityAnswer = z.infer<typeof activityAnswerSchema>;

const lineSchema = z.looseObject({
  id: hashSchema,
  /** Order in which the centre has taken it. */
  place: uintSchema,
  type: z.string(),
  sender: addressSchema,
  sealDigest: hashSchema,
  recordId: hashSchema.optional(),
  takenAt: z.string(),
});

const messageLineSchema = lineSchema.extend({
  time: z.string(),
  /** Messages that it is about or builds on. */
  on: z.array(hashSchema),
  attachments: z.array(z.looseObject({ name: z.string(), mediaType: z.string().optional(), sizeBytes: uintSchema })),
});

/** One message in `GET /v1/activities/:id/messages`. */
export type MessageLineAnswer = z.infer<typeof messageLineSchema>;

/** `GET /v1/activities/:id/messages`. */
export const messagePageSchema = pageOf(messageLineSchema);

/** `GET /v1/activities/:id/messages/:message`. */
export const messageAnswerSchema = lineSchema.extend({
  parcel: z.looseObject({
    head: headSchema,
    body: bodySchema,
    attachments: attachmentsSchema,
    signature: hexSchema(64, 65),
  }),
  seal: sealSchema,
});

/** See {@link messageAnswerSchema}. */
export type MessageAnswer = z.infer<typeof messageAnswerSchema>;

const deliverySchema = z.looseObject({
  message: hashSchema,
  member: addressSchema,
  state: z.enum(['queued', 'delivered', 'read', 'countersigned', 'refused']),
  queuedAt: z.string(),
  problem: z.looseObject({ code: z.string(), detail: z.string() }).optional(),
});

/** One of `GET /v1/activities/:id/messages/:message/deliveries`. */
export type DeliveryAnswer = z.infer<typeof deliverySchema>;

/** `GET /v1/activities/:id/messages/:message/deliveries`. */
export const deliveriesSchema = pageOf(deliverySchema);

const credentialAnswerSchema = credentialSchema.loose().extend({ revokedAt: z.string().optional() });

/** One of `GET /v1/devices`. */
export type CredentialAnswer = z.infer<typeof credentialAnswerSchema>;

/** `GET /v1/devices`. */
export const credentialListSchema = pageOf(credentialAnswerSchema);
