import { z } from 'zod';
import type { ResourceSetPage, ResourceSetView, ResourceVersionView } from '../../app/resources/ResourceDesk.ts';
import { applicationStates } from '../../core/governance/applicationState.ts';
import { resourceSetSchema } from '../../core/governance/proposalContent.ts';
import { addressSchema, hashSchema, uintSchema } from '../../core/schemas.ts';

/** A set in a path: a name, or `0x` and 64 digits, which is a name as well. */
export const setParameter = resourceSetSchema.meta({
  description: 'Name of the resource set, or the Keccak-256 of it',
});

const checkSchema = z
  .object({
    time: z.string(),
    matches: z.boolean(),
    actualHash: hashSchema.optional().meta({
      description:
        'SHA-256 of the canonical configuration that is there; zero where there is none; left out where that could not be known',
    }),
    differences: z
      .array(z.string())
      .meta({ description: 'JSON Pointers of the fields that differ, a hundred at most' }),
    problem: z.string().optional().meta({ description: 'Code of the error, where it could not be read' }),
  })
  .meta({ id: 'ResourceCheck', description: 'What the last look at the real configuration has found' });

const ownSchema = z
  .object({
    version: uintSchema,
    state: z.enum(applicationStates),
    changedAt: z.string(),
    reason: z.string().optional(),
    fallback: uintSchema.optional().meta({
      description: 'Version that comes back where this one cannot be applied; 0 for what was there before any',
    }),
    check: checkSchema.optional(),
  })
  .meta({ id: 'OwnResourceVersion', description: 'A version as this centre has it' });

const set = {
  resourceSet: z.string().optional().meta({ description: 'Name; left out while no content tells it' }),
  id: hashSchema.meta({ description: 'Keccak-256 of the name' }),
};

/** A resource set. */
export const setSchema = z
  .object({
    ...set,
    head: uintSchema.meta({ description: 'The version that is to be there; 0 for none' }),
    inForce: uintSchema.meta({ description: 'The version that a quorum of centres reports as right; 0 for none' }),
    own: ownSchema.optional(),
  })
  .meta({ id: 'ResourceSet' });

/** Answer of `GET /v1/resources`. */
export const setListSchema = z.object({ items: z.array(setSchema) }).meta({ id: 'ResourceSets' });

const version = {
  version: uintSchema,
  state: z.enum(['passed', 'applied', 'verified', 'failed']),
  parent: uintSchema.meta({ description: 'The version that it was made from; 0 for the first' }),
  epoch: uintSchema.meta({ description: 'The centres that report are the committee of this epoch' }),
  proposalId: hashSchema,
  configurationHash: hashSchema,
  uri: z.string(),
  addedAt: uintSchema.meta({ description: 'Time of its chain block, Unix seconds' }),
  transactionHash: hashSchema,
  matching: uintSchema,
  differing: uintSchema,
};

/** Answer of `GET /v1/resources/{set}`. */
export const setPageSchema = setSchema
  .extend({
    versions: z.object({
      items: z.array(z.object(version).meta({ id: 'ResourceVersion' })),
      next: z.string().optional().meta({ description: '`before` of the next page' }),
    }),
  })
  .meta({ id: 'ResourceSetPage', description: 'A resource set and its versions, newest first' });

/** Answer of `GET /v1/resources/{set}/versions/{version}`. */
export const versionReportsSchema = z
  .object({
    ...set,
    ...version,
    own: ownSchema.optional(),
    reports: z.array(
      z.object({
        reporter: addressSchema,
        matches: z.boolean(),
        sequence: z.number().meta({ description: 'Not exact where somebody has chosen one beyond 2^53' }),
        actualHash: hashSchema,
        recordId: hashSchema.meta({ description: 'Record in the log, whose digest is that of the full report' }),
        transactionHash: hashSchema,
        time: uintSchema,
      }),
    ),
    ownReport: z
      .object({
        sequence: uintSchema,
        state: z.enum(['made', 'recorded', 'sending', 'sent', 'void']),
        matches: z.boolean(),
        actualHash: hashSchema,
        recordId: hashSchema,
        signature: z.string().meta({ description: 'Over EIP-712 `Report`: who has it can hand the report in' }),
        madeAt: z.string(),
        transactionHash: hashSchema.optional(),
        reason: z.string().optional(),
      })
      .optional()
      .meta({ description: 'The newest of this centre, also while it is on its way' }),
  })
  .meta({ id: 'ResourceVersionReports', description: 'A version with the latest report of every centre' });

/** Body of `POST /v1/resources/{set}/check`. */
export const checkRequestSchema = z
  .strictObject({
    repair: z.boolean().optional().meta({ description: 'What is not right is written again' }),
  })
  .meta({ id: 'ResourceCheckRequest' });

type Fits<Is extends Was, Was> = Is;
type Mutable<T> = T extends string ? T : T extends object ? { -readonly [Key in keyof T]: Mutable<T[Key]> } : T;
/** Holds at compile time only. @public */
export type ResourceShapes = [
  Fits<Mutable<ResourceSetView>, Mutable<z.input<typeof setSchema>>>,
  Fits<Mutable<ResourceSetPage>, Mutable<z.input<typeof setPageSchema>>>,
  Fits<Mutable<ResourceVersionView>, Mutable<z.input<typeof versionReportsSchema>>>,
];
