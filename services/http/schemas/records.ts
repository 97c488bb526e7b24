import { z } from 'zod';
import type { IntakeResult, RecordView } from '../../app/Centre.ts';
import { acceptanceSchema, refusalSchema } from '../../core/acceptance.ts';
import { recordSchema, unsignedRecordSchema } from '../../core/recordSchema.ts';
import { hashSchema, uintSchema } from '../../core/schemas.ts';
import { receiptDoc } from './log.ts';
import { problemSchema } from './problem.ts';

/** A centre's signed promise. */
export const acceptanceDoc = acceptanceSchema.meta({
  id: 'Acceptance',
  description: 'Signed promise of a centre that the record will be in the log by the end of a slot',
});

/** One signed statement. */
export const recordDoc = recordSchema.meta({ id: 'Record', description: 'One signed statement (docs/protocol.md)' });

/** What a client without a key pair posts; the centre signs it. */
export const draftSchema = unsignedRecordSchema
  .pick({ v: true, network: true, kind: true, subject: true, digest: true, time: true, expires: true, meta: true })
  .partial({ v: true, network: true, time: true })
  .meta({
    id: 'RecordDraft',
    description: 'Record for the centre to sign as submitter, on behalf of the owner of the API key',
  });

/** Answer to a posted record. */
export const submittedSchema = z
  .union([
    z.object({
      status: z.enum(['accepted', 'known']),
      id: hashSchema,
      acceptance: acceptanceDoc,
      acknowledgements: z
        .array(acceptanceDoc)
        .optional()
        .meta({ description: 'With `ack=quorum`: acceptances of a quorum of centres, that of this centre first' }),
      receipt: receiptDoc.optional().meta({ description: 'With `ack=anchored`' }),
    }),
    z.object({
      status: z.literal('logged'),
      id: hashSchema,
      leafIndex: uintSchema,
      receipt: receiptDoc.optional().meta({ description: 'With `ack=anchored`' }),
    }),
  ])
  .meta({ id: 'Submitted', description: 'accepted: new; known: accepted before; logged: in the log already' });

/** One line of the answer to a batch. */
export const batchLineSchema = z
  .union([
    z.object({
      line: uintSchema.min(1),
      status: z.enum(['accepted', 'known']),
      id: hashSchema,
      acceptance: acceptanceDoc.optional().meta({ description: 'Left out with `Prefer: return=minimal`' }),
    }),
    z.object({ line: uintSchema.min(1), status: z.literal('logged'), id: hashSchema, leafIndex: uintSchema }),
    z.object({
      line: uintSchema.min(1),
      status: z.literal('failed'),
      id: hashSchema.optional(),
      error: problemSchema,
      stopped: z.literal(true).optional(),
    }),
  ])
  .meta({
    id: 'BatchLine',
    description:
      'What became of one line of the batch; lines are counted from 1. `stopped` is on the last line of an answer that ends early: neither this line nor any after it was taken.',
  });

/** A record and where it stands. */
export const recordViewSchema = z
  .object({
    id: hashSchema,
    record: recordDoc,
    state: z.enum(['pooled', 'logged', 'refused']),
    acceptance: acceptanceDoc.optional(),
    leafIndex: uintSchema.optional(),
    height: uintSchema.optional().meta({
      description: 'Of its block; while the record is pooled, of the block on its way to the chain that has it',
    }),
    refusal: refusalSchema
      .meta({ id: 'Refusal', description: 'Signed statement that an accepted record will not be in the log, and why' })
      .optional(),
    supersededBy: hashSchema.optional(),
  })
  .meta({ id: 'RecordView' });

/** A page of records. */
export const recordPageSchema = z
  .object({
    items: z.array(recordViewSchema),
    next: z.string().optional().meta({ description: 'Cursor of the next page: `after`' }),
  })
  .meta({ id: 'RecordPage' });

// What the centre answers and what the document says must not drift apart: these lines do not compile when they do.
type Fits<Is extends Was, Was> = Is;
/** Holds at compile time only. @public */
export type RecordShapes = [
  Fits<RecordView, z.input<typeof recordViewSchema>>,
  Fits<Exclude<IntakeResult, { status: 'failed' }>, z.input<typeof submittedSchema>>,
];
