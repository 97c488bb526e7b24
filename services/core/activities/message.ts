import { z } from 'zod';
import { jsonObjectSchema } from '../governance/json.ts';
import { networkNameSchema } from '../networkNameSchema.ts';
import { timeSchema } from '../recordSchema.ts';
import { addressSchema, hashSchema, hexSchema, uintSchema } from '../schemas.ts';
import { originSchema, shownOriginSchema } from './activityId.ts';
import { credentialSchema } from './credential.ts';
import { maxMembers, memberSchema, membershipSchema } from './members.ts';

/** Between whom: a person and a thing, two things, or in industry. */
export const activityKinds = ['person-thing', 'thing-thing', 'industrial'] as const;

/** What is asked of the members: to take notice, to countersign, or both. */
export const activityRequests = ['information', 'trust', 'both'] as const;

/** Most versions that one merge brings together. */
export const maxMerged = 16;
/** Most versions that one request brings together, by several merges. */
export const maxBrought = 256;
/** Greatest number of a version: one that builds on such a one has it, too. */
export const maxNumber = 2 ** 32;
/** Most versions in conflict that a change of the members names as seen. */
export const maxNamed = 1024;

/** What holds for an activity for ever. */
const rulesSchema = z.strictObject({
  /** Whether a member that joins later is given what was said before. */
  history: z.boolean(),
  /** How many of the initiator and the receivers have to approve a proposal. */
  approval: z.enum(['majority', 'unanimity']),
});

/** A change of the members that is put to the vote. */
export const changeSchema = z.union([z.strictObject({ add: memberSchema }), z.strictObject({ remove: addressSchema })]);

/** See {@link changeSchema}. */
export type MemberChange = z.infer<typeof changeSchema>;

const common = {
  v: z.literal(1),
  network: networkNameSchema,
  activity: hashSchema,
  epoch: uintSchema,
  /** Digest of the membership to which the message is sealed. */
  group: hashSchema,
  sender: addressSchema,
  time: timeSchema,
  /** Nobody can guess the rest by the digest. */
  salt: hashSchema,
  /** Of a body in fields: digest of its disclosures, so that nobody gives the message on without some of them. */
  fields: hashSchema.optional(),
};

/** What an activity is for ever. */
export const termsSchema = z.strictObject({
  kind: z.enum(activityKinds),
  request: z.enum(activityRequests),
  rules: rulesSchema,
  /** JSON Schema (draft 2020-12) of the body of every version. */
  schema: jsonObjectSchema.optional(),
});

/** See {@link termsSchema}. */
export type ActivityTerms = z.infer<typeof termsSchema>;

const opening = {
  terms: termsSchema,
  /** The one that this message makes, to which it is sealed. */
  membership: membershipSchema,
  /** Blinds what the log sees of the epoch: known to its members alone. */
  secret: hashSchema,
  /** Of which the activity has its id. */
  origin: originSchema,
};

/** Of a device that has made the body; its operator sends. */
const device = z
  .strictObject({
    credential: credentialSchema,
    /** When the device has said so, by its own clock: Unix seconds. */
    time: uintSchema,
    /** Of the device: EIP-712 `DeviceStatement`. */
    signature: hexSchema(64, 65),
  })
  .optional();

const start = z.strictObject({ ...common, type: z.literal('start'), ...opening, device });

const update = z.strictObject({
  ...common,
  type: z.literal('update'),
  /** Versions that it takes the place of: several for a merge. */
  builds: z.array(hashSchema).min(1).max(maxMerged),
  /** One more than the largest of those, see `nextNumber`. */
  number: uintSchema.max(maxNumber),
  device,
});

const note = z.strictObject({ ...common, type: z.literal('note'), on: hashSchema, device });

const countersignature = z.strictObject({
  ...common,
  type: z.literal('countersignature'),
  on: hashSchema,
  /** EIP-712 `ActivityTrust`. */
  signature: hexSchema(64, 65),
});

/** What a certificate has beside the version. */
export const trustShape = {
  /** Whom the version went to, by address: who signs, signs for them. */
  members: z.array(addressSchema).min(1).max(maxMembers),
  /** By address. */
  signatures: z
    .array(z.strictObject({ member: addressSchema, signature: hexSchema(64, 65) }))
    .min(1)
    .max(maxMembers),
};

const certificate = z.strictObject({ ...common, type: z.literal('certificate'), on: hashSchema, ...trustShape });

const proposal = z.strictObject({ ...common, type: z.literal('proposal'), change: changeSchema });

const vote = z.strictObject({ ...common, type: z.literal('vote'), on: hashSchema, approve: z.boolean() });

/** Who sends it is no member any more as soon as another one has opened the next epoch: its secret is not for who leaves. */
const leave = z.strictObject({ ...common, type: z.literal('leave') });

const members = z.strictObject({
  ...common,
  type: z.literal('members'),
  ...opening,
  /** An approved proposal, and the votes for it; left out by the initiator, and by who has a new key or lets others leave. */
  proposal: z.strictObject({ id: hashSchema, votes: z.array(hashSchema).max(maxMembers) }).optional(),
  /** The messages by which those who are members no more have left. */
  left: z.array(hashSchema).min(1).max(maxMembers).optional(),
  /** Versions that nothing had taken the place of. */
  heads: z.array(hashSchema).max(maxNamed),
});

/** The head of a message: all but its contents. */
export const headSchema = z.discriminatedUnion('type', [
  start,
  update,
  note,
  countersignature,
  certificate,
  proposal,
  vote,
  leave,
  members,
]);

const shownOpening = {
  /** SHA-256 of the secret: with that all records of the epoch could be linked. */
  secret: hashSchema,
  /** Without the signature: with that whoever is shown the head could say that it is a member. */
  origin: shownOriginSchema,
};

/** What may be shown of a head to who is no member, and what the commitment to it is made of. */
export const shownHeadSchema = z.discriminatedUnion('type', [
  start.extend(shownOpening),
  update,
  note,
  countersignature,
  certificate,
  proposal,
  vote,
  leave,
  members.extend(shownOpening),
]);

/** See {@link headSchema}. */
export type Head = z.infer<typeof headSchema>;
/** See {@link shownHeadSchema}. */
export type ShownHead = z.infer<typeof shownHeadSchema>;
/** What a message is for. */
export type HeadType = Head['type'];
/** The head of one type of message. */
export type HeadOf<T extends HeadType> = Extract<Head, { type: T }>;
/** Which signatures a certificate has. */
export type TrustSignatures = z.infer<typeof trustShape.signatures>;
