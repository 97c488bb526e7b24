import { z } from 'zod';
import type {
  ActivitySummary,
  ActivityView,
  CredentialView,
  DeliveryView,
  SentMessage,
} from '../../app/activities/ActivityDesk.ts';
import { certificateSchema } from '../../core/activities/certificate.ts';
import { credentialSchema } from '../../core/activities/credential.ts';
import { memberRoles, memberSchema } from '../../core/activities/members.ts';
import {
  activityKinds,
  activityRequests,
  changeSchema,
  headSchema,
  termsSchema,
} from '../../core/activities/message.ts';
import { sealSchema } from '../../core/activities/sealed.ts';
import { jsonObjectSchema } from '../../core/governance/json.ts';
import { addressSchema, hashSchema, hexSchema, uintSchema } from '../../core/schemas.ts';
import { contentsDocs } from './contents.ts';

/** Answer of every route that sends a message. */
export const sentMessageDoc = z
  .object({ activity: hashSchema, message: hashSchema })
  .meta({ id: 'SentMessage', description: 'It is on the disk, and on its way to the members and into the log' });

const summary = {
  id: hashSchema,
  kind: z.enum(activityKinds),
  request: z.enum(activityRequests),
  owner: z.string().optional().meta({ description: 'Id of the API key whose activity it is; the operator sees all' }),
  role: z.enum(memberRoles).optional().meta({ description: 'Left out where this centre is no member any more' }),
  initiator: addressSchema.meta({ description: 'Who has begun it, a member still or not' }),
  memberCount: uintSchema,
  epoch: uintSchema.meta({ description: 'Changes of the members so far' }),
  doubtCount: uintSchema.meta({
    description: 'Members that see it in another way than this centre, not for a moment only: `doubts` says how',
  }),
  heads: z
    .array(hashSchema)
    .meta({ description: 'Versions that nothing has replaced: several are in conflict. In a list the first 256' }),
  createdAt: z.string(),
  changedAt: z.string(),
  messageCount: uintSchema,
};

/** A page of activities. */
export const activityPageDoc = z
  .object({
    items: z.array(z.object(summary).meta({ id: 'ActivitySummary' })),
    next: z.string().optional().meta({ description: 'Cursor of the next page' }),
  })
  .meta({ id: 'ActivityPage' });

const keyMark = {
  hasOtherKey: z
    .boolean()
    .optional()
    .meta({ description: 'The registry has another encryption key for this node, or none' }),
};

/** One activity. */
export const activityDoc = z
  .object({
    ...summary,
    terms: termsSchema.extend({ schema: jsonObjectSchema.optional() }),
    members: z.array(memberSchema.extend({ name: z.string().optional(), ...keyMark })),
    isInConflict: z.boolean().meta({ description: 'Several versions that nobody has brought together yet' }),
    versions: z.array(
      z.object({
        id: hashSchema,
        number: uintSchema,
        builds: z.array(hashSchema),
        sender: addressSchema,
        countersigned: z.array(addressSchema),
        recipients: uintSchema.meta({
          description:
            'How many members it went to, its sender among them; a certificate may lack those that are out since',
        }),
        unsigned: z.array(addressSchema).meta({
          description: 'Members whose countersignature its certificate still needs; none where nobody is asked',
        }),
        certificate: hashSchema.optional().meta({ description: 'Message with the certificate' }),
        notes: z.array(hashSchema),
      }),
    ),
    proposals: z.array(
      z.object({
        id: hashSchema,
        change: changeSchema,
        votes: z.array(z.object({ member: addressSchema, approve: z.boolean() })),
        isApproved: z.boolean(),
        isOpen: z.boolean().meta({ description: 'It may still be voted on, or carried out' }),
        ...keyMark,
      }),
    ),
    forks: z
      .array(z.object({ type: z.enum(['start', 'members']), sender: addressSchema, messages: z.array(hashSchema) }))
      .meta({ description: 'What a member has said in two ways, of which one alone may be' }),
    doubts: z
      .array(
        z.object({
          member: addressSchema,
          kind: z.enum(['lacking', 'unknown', 'excluded', 'forked']),
          messages: z.array(hashSchema).meta({ description: 'What the member has and this centre does not get' }),
          since: z.string(),
        }),
      )
      .meta({ description: 'Members that see the activity in another way' }),
    unrecorded: z
      .array(hashSchema)
      .meta({ description: 'Messages that were taken long ago and of which the log has no record' }),
    refused: z.array(hashSchema).meta({
      description: 'Messages of this centre that a member has refused, the newest first: see their deliveries',
    }),
  })
  .meta({ id: 'Activity' });

const types = headSchema.options.map((option) => option.shape.type.value) as [string, ...string[]];

const line = {
  id: hashSchema,
  place: uintSchema.meta({ description: 'Order in which this centre has taken the messages, from 0' }),
  type: z.enum(types),
  sender: addressSchema,
  sealDigest: hashSchema.meta({ description: 'What the record in the log carries' }),
  recordId: hashSchema.optional().meta({ description: 'The record, once it is there' }),
  takenAt: z.string(),
};

/** A page of messages, without their contents. */
export const messagePageDoc = z
  .object({
    items: z.array(
      z
        .object({
          ...line,
          time: z.string().meta({ description: 'As its sender says' }),
          on: z.array(hashSchema).meta({ description: 'Messages that it is about or builds on' }),
          attachments: z.array(z.object({ name: z.string(), mediaType: z.string().optional(), sizeBytes: uintSchema })),
        })
        .meta({ id: 'ActivityMessageLine' }),
    ),
    next: z.string().optional().meta({ description: '`from` of the next page' }),
  })
  .meta({ id: 'ActivityMessagePage' });

/** A message with its contents. */
export const messageDoc = z
  .object({
    ...line,
    parcel: z.object({
      head: z.looseObject({ type: z.enum(types), activity: hashSchema, epoch: uintSchema, sender: addressSchema }),
      ...contentsDocs,
      signature: hexSchema(64, 65).meta({ description: 'EIP-712 `ActivityMessage`, by the sender' }),
    }),
    seal: sealSchema,
  })
  .meta({ id: 'ActivityMessage', description: 'See docs/protocol.md' });

/** How far messages have come. */
export const deliveriesDoc = z
  .object({
    items: z.array(
      z.object({
        message: hashSchema,
        member: addressSchema,
        state: z.enum(['queued', 'delivered', 'read', 'countersigned', 'refused']),
        queuedAt: z.string(),
        problem: z
          .object({ code: z.string(), detail: z.string() })
          .optional()
          .meta({ description: 'Why it is refused, or was not delivered the last time' }),
      }),
    ),
  })
  .meta({ id: 'ActivityDeliveries' });

/** A certificate. */
export const certificateDoc = certificateSchema.meta({
  id: 'TrustCertificate',
  description: "All members' signatures over one version",
});

/** A credential. */
export const credentialDoc = credentialSchema.meta({ id: 'DeviceCredential' });

/** All credentials. */
export const credentialListDoc = z
  .object({ items: z.array(credentialSchema.extend({ revokedAt: z.string().optional() })) })
  .meta({ id: 'DeviceCredentialList' });

type Fits<Is extends Was, Was> = Is;
type Mutable<T> = T extends string ? T : T extends object ? { -readonly [Key in keyof T]: Mutable<T[Key]> } : T;
/** Holds at compile time only. @public */
export type ActivityShapes = [
  Fits<Mutable<SentMessage>, Mutable<z.input<typeof sentMessageDoc>>>,
  Fits<Mutable<{ items: ActivitySummary[]; next?: string }>, Mutable<z.input<typeof activityPageDoc>>>,
  Fits<Mutable<Omit<ActivityView, 'terms'>>, Mutable<Omit<z.input<typeof activityDoc>, 'terms'>>>,
  Fits<Mutable<{ items: DeliveryView[] }>, Mutable<z.input<typeof deliveriesDoc>>>,
  Fits<Mutable<{ items: CredentialView[] }>, Mutable<z.input<typeof credentialListDoc>>>,
];
