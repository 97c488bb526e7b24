import { z } from 'zod';
import { channelSchema } from '../../core/channels/channel.ts';
import { channelReceiptSchema } from '../../core/channels/channelReceipt.ts';
import {
  billAnswerSchema,
  channelViewSchema,
  closeAnswerSchema,
  closeRequestSchema,
  foldedBillSchema,
  updateAnswerSchema,
  updateSchema,
} from '../../core/channels/update.ts';
import { addressSchema, hashSchema, uintSchema } from '../../core/schemas.ts';

/** The channel that a path names. */
export const channelParams = z.strictObject({ id: hashSchema });

/** A bill of that channel. */
export const billParams = z.strictObject({ id: hashSchema, bill: hashSchema });

/** Content of an answer or request in JSON. */
export function json<T extends z.ZodType>(schema: T): { 'application/json': { schema: T } } {
  return { 'application/json': { schema } };
}

/** `GET /v1/verifier`. */
export const termsDoc = z
  .looseObject({
    network: z.object({ chainId: uintSchema, contract: addressSchema }),
    verifier: addressSchema.meta({ description: 'Who a channel must name as its verifier' }),
  })
  .meta({ id: 'VerifierTerms' });

/** `POST /v1/channels`. */
export const acceptedDoc = z.object({ channelId: hashSchema, channel: channelSchema }).meta({ id: 'AcceptedChannel' });

/** What one side shows the other of a channel. */
export const viewDoc = channelViewSchema.meta({ id: 'ChannelView' });

/** A proposed state. */
export const updateDoc = updateSchema.meta({ id: 'ChannelUpdate' });

/** A countersigned one. */
export const updateAnswerDoc = updateAnswerSchema.meta({ id: 'ChannelUpdateAnswer' });

/** A proposed end. */
export const closeRequestDoc = closeRequestSchema.meta({ id: 'CloseRequest' });

/** A countersigned one. */
export const closeAnswerDoc = closeAnswerSchema.meta({ id: 'CloseAnswer' });

/** `POST /v1/channels/{id}/bills`. */
export const billAnswersDoc = z.object({ bills: z.array(billAnswerSchema) }).meta({ id: 'BillAnswers' });

/** A page of paid bills. */
export const evidencePageDoc = z.object({ items: z.array(foldedBillSchema) }).meta({ id: 'EvidencePage' });

/** One file that proves a piece of evidence to be under the total digest of a channel. */
export const receiptDoc = channelReceiptSchema.meta({ id: 'ChannelReceipt' });
