import { z } from 'zod';
import type { BlockView } from '../../app/Centre.ts';
import { anchorSchema, blockHeaderSchema, blockSignatureSchema } from '../../core/block.ts';
import { blockStates } from '../../core/blockState.ts';
import { receiptSchema } from '../../core/receipt.ts';
import { recordSchema } from '../../core/recordSchema.ts';
import { hashSchema, uintSchema } from '../../core/schemas.ts';
import { receiptSteps, type VerifyResult } from '../../core/verifyReceipt.ts';

/** One file that proves a record to be in an anchored block. */
export const receiptDoc = receiptSchema.meta({
  id: 'Receipt',
  description: 'One file that proves a record to be in an anchored block (docs/protocol.md)',
});

/** A block as the centre knows it. */
export const blockViewSchema = z
  .object({
    header: blockHeaderSchema.meta({ id: 'BlockHeader' }),
    hash: hashSchema,
    state: z.enum(blockStates),
    count: uintSchema.meta({ description: 'Records in this block' }),
    signatures: z.array(blockSignatureSchema),
    anchor: anchorSchema.meta({ id: 'Anchor' }).optional(),
  })
  .meta({ id: 'Block' });

/** A page of blocks, newest first. */
export const blockPageSchema = z
  .object({
    items: z.array(blockViewSchema),
    next: z.string().optional().meta({ description: 'Cursor of the next page: `before`' }),
  })
  .meta({ id: 'BlockPage' });

/** RFC 9162 consistency proof. */
export const consistencySchema = z
  .object({
    from: uintSchema,
    to: uintSchema,
    fromRoot: hashSchema,
    toRoot: hashSchema,
    path: z.array(z.string().regex(/^[0-9a-f]{64}$/)),
  })
  .meta({
    id: 'ConsistencyProof',
    description: 'Proof by RFC 9162 section 2.1.4 that the log of `to` entries extends that of `from`',
  });

/** Outcome of a verification. */
export const verifyResultSchema = z
  .object({
    ok: z.boolean(),
    steps: z.array(
      z.object({
        step: z.enum(receiptSteps),
        status: z.enum(['passed', 'failed', 'skipped']),
        code: z.string().optional(),
        detail: z.string().optional(),
        data: z.record(z.string(), z.unknown()).optional(),
      }),
    ),
    record: recordSchema.optional(),
    recordId: hashSchema.optional(),
    blockHash: hashSchema.optional(),
  })
  .meta({ id: 'VerifyResult' });

type Fits<Is extends Was, Was> = Is;
type Mutable<T> = T extends string ? T : T extends object ? { -readonly [Key in keyof T]: Mutable<T[Key]> } : T;
/** Holds at compile time only. @public */
export type LogShapes = [
  Fits<Mutable<BlockView>, z.input<typeof blockViewSchema>>,
  Fits<Mutable<VerifyResult>, Mutable<z.input<typeof verifyResultSchema>>>,
];
