import { z } from 'zod';
import { NotariumError } from '../errors.ts';
import { inclusionSchema } from '../receipt.ts';
import { saysFormat } from '../saysFormat.ts';
import { addressSchema, hashSchema, hexSchema, uintSchema } from '../schemas.ts';
import { parseStrictJson } from '../strictJson.ts';
import { jsonWithAmounts } from './amount.ts';
import { billSchema } from './bill.ts';
import { channelSchema } from './channel.ts';
import { signedStateSchema } from './state.ts';
import { statementSchema } from './statement.ts';

/** Name and version of the format. */
export const channelReceiptFormat = 'notarium-channel-receipt/1';
/** Largest text of a channel receipt, in characters. */
export const maxChannelReceiptChars = 64 * 1024;

/** How a total digest came on chain: the channel was settled, or the digest anchored without closing. */
export const settlementKinds = ['settled', 'anchored'] as const;

/** One file that proves a piece of evidence to be under the total digest of an evidence channel. Amounts are decimal text in JSON. */
export const channelReceiptSchema = z.strictObject({
  format: z.literal(channelReceiptFormat),
  /** Chain and `EvidenceChannels` contract. */
  network: z.strictObject({ chainId: uintSchema.min(1), contract: addressSchema }),
  channel: channelSchema,
  bill: billSchema,
  /** The verifier's. */
  billSignature: hexSchema(64, 65),
  /** The bill key: the verifier's confirmation. */
  key: hashSchema,
  /** The verifier's, then the requester's. */
  statements: z.tuple([statementSchema, statementSchema]),
  /** From the bill's digest to the total digest: RFC 9162, the leaf is SHA-256(0x00 || digest). */
  proof: inclusionSchema,
  /** The total digest. */
  root: hashSchema,
  /** For a member of a batch: from the content's digest to the bill's. */
  inner: inclusionSchema.optional(),
  /** A state with this root that both have signed: proof without the chain. */
  state: signedStateSchema.optional(),
  /** Where the total digest came on chain; left out while it has not. */
  settlement: z
    .strictObject({ kind: z.enum(settlementKinds), transactionHash: hashSchema, blockNumber: uintSchema })
    .optional(),
});

/** See {@link channelReceiptSchema}. */
export type ChannelReceipt = z.output<typeof channelReceiptSchema>;

/** The text of a channel receipt's file. */
export function channelReceiptText(receipt: ChannelReceipt): string {
  return `${JSON.stringify(JSON.parse(jsonWithAmounts(receipt)), null, 2)}\n`;
}

/** Whether a parsed file says that it is a channel receipt: other receipts are read by `parseReceipt`. */
export function isChannelReceipt(value: unknown): boolean {
  return saysFormat(value, channelReceiptFormat);
}

/**
 * Reads a channel receipt. It checks the form only: see `verifyChannelReceipt`.
 * @throws NotariumError `channel-receipt-malformed`; the `json-…` codes of parseStrictJson.
 */
export function parseChannelReceipt(text: string | Uint8Array): ChannelReceipt {
  return asChannelReceipt(parseStrictJson(text, { maxSize: maxChannelReceiptChars, maxDepth: 5 }));
}

/** Checks the form of parsed JSON. Throws as {@link parseChannelReceipt}. */
export function asChannelReceipt(value: unknown): ChannelReceipt {
  const parsed = channelReceiptSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const field = issue.path.join('.');
  throw new NotariumError('channel-receipt-malformed', `${field || 'receipt'}: ${issue.message}`, { data: { field } });
}
