import { z } from 'zod';
import { maxMembers, memberRoles } from '../../core/activities/members.ts';
import { activityKinds, activityRequests, maxBrought, termsSchema } from '../../core/activities/message.ts';
import { jsonObjectSchema } from '../../core/governance/json.ts';
import { hashSchema } from '../../core/schemas.ts';
import { contentsShape, hasOneContent, oneContent } from './contents.ts';

const party = z
  .string()
  .min(1)
  .max(256)
  .meta({ description: 'Name, address (also as `eip155:<chain>:<address>`) or endpoint of a node in the registry' });

/** Body of `POST /v1/activities`. */
export const startBody = z
  .strictObject({
    kind: z.enum(activityKinds),
    request: z.enum(activityRequests).meta({ description: '`trust`: every member is asked to countersign' }),
    rules: termsSchema.shape.rules.partial().optional(),
    schema: jsonObjectSchema
      .optional()
      .meta({ description: 'JSON Schema (draft 2020-12) of the body of every version' }),
    receivers: z.array(party).min(1).max(maxMembers),
    regulators: z.array(party).max(maxMembers).optional(),
    salt: hashSchema.optional().meta({
      description:
        'With `device` alone: 32 random bytes that it has drawn and signed, with its credential, in place of the activity',
    }),
    ...contentsShape,
  })
  .refine(hasOneContent, oneContent)
  .refine(({ salt, device }) => (salt === undefined) === (device === undefined), 'salt and device come together')
  .meta({ id: 'StartActivity' });

/** Body of `POST /v1/activities/{id}/versions`. */
export const updateBody = z
  .strictObject({
    builds: z.array(hashSchema).min(1).max(maxBrought).optional().meta({
      description:
        'Versions in whose place it comes: by default the one that nothing has replaced; several for a merge; of more than 16 some are brought together first, by versions with the same content',
    }),
    ...contentsShape,
  })
  .refine(hasOneContent, oneContent)
  .meta({ id: 'UpdateActivity' });

/** Body of `POST /v1/activities/{id}/notes`. */
export const noteBody = z
  .strictObject({ on: hashSchema.meta({ description: 'Version' }), ...contentsShape })
  .refine(hasOneContent, oneContent)
  .meta({ id: 'NoteOnActivity' });

/** Body of `POST /v1/activities/{id}/countersignatures`. */
export const countersignBody = z
  .strictObject({ on: hashSchema.meta({ description: 'Version' }) })
  .meta({ id: 'CountersignActivity' });

const addition = z.strictObject({ party, role: z.enum(memberRoles).exclude(['initiator']) });

/** Body of `POST /v1/activities/{id}/proposals`. */
export const proposeBody = z
  .union([z.strictObject({ add: addition }), z.strictObject({ remove: party })], {
    error: 'either {add: {party, role}} or {remove: party}',
  })
  .meta({ id: 'ProposeMembers' });

/** Body of `POST /v1/activities/{id}/votes`. */
export const voteBody = z
  .strictObject({ on: hashSchema.meta({ description: 'Proposal' }), approve: z.boolean() })
  .meta({ id: 'VoteOnMembers' });

/** Body of `POST /v1/activities/{id}/members`. */
export const membersBody = z
  .union(
    [
      z
        .strictObject({
          add: z.array(addition).min(1).max(maxMembers).optional(),
          remove: z.array(party).min(1).max(maxMembers).optional(),
        })
        .refine(({ add, remove }) => add !== undefined || remove !== undefined, 'add or remove is needed'),
      z.strictObject({ proposal: hashSchema }),
      z.strictObject({ leave: z.literal(true) }),
    ],
    { error: 'either {add: [{party, role}], remove: [party]} or one of these two, {proposal: id}, or {leave: true}' },
  )
  .meta({ id: 'ChangeMembers', description: 'The initiator changes them at once, anybody by an approved proposal' });

/** Body of `PUT /v1/activities/{id}/owner`. */
export const ownerBody = z
  .strictObject({
    client: z.string().min(1).max(100).nullable().meta({ description: 'Id of an API key; null for the operator' }),
  })
  .meta({ id: 'ActivityOwner' });
