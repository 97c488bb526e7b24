import { z } from 'zod';
import {
  type Anchor,
  anchorSchema,
  type BlockHeader,
  type BlockSignature,
  blockHeaderSchema,
  blockSignatureSchema,
} from './block.ts';
import { fromBase64, hexDigits, toBase64 } from './bytes.ts';
import { NotariumError } from './errors.ts';
import { maxProofHashes } from './log/verifyProof.ts';
import { maxEntryBytes } from './recordSchema.ts';
import { uintSchema } from './schemas.ts';
import { parseStrictJson } from './strictJson.ts';

/** Name and version of the format (DESIGN.md section 3). */
export const receiptFormat = 'notarium-receipt/1';
/** Most signatures that a receipt may carry. */
export const maxReceiptSignatures = 256;
/** Largest text of a receipt, in characters. */
export const maxReceiptChars = 256 * 1024;

const base64Schema = z.custom<string>(
  (value) => typeof value === 'string' && value.length <= 4 * Math.ceil(maxEntryBytes / 3) && isBase64(value),
  { message: 'not the base64 of at most 16 KiB' },
);

function isBase64(text: string): boolean {
  try {
    fromBase64(text);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

const pathItemSchema = z.custom<string>((value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value), {
  message: 'not 64 lower-case hexadecimal digits',
});

/** An inclusion proof as JSON; the path goes from leaf to root. */
export const inclusionSchema = z.strictObject({
  leafIndex: uintSchema,
  treeSize: uintSchema.min(1),
  path: z.array(pathItemSchema).max(maxProofHashes),
});

/** One file that proves a record, or a member of an aggregate, to be in an anchored block. */
export const receiptSchema = z.strictObject({
  format: z.literal(receiptFormat),
  /** The record's bytes in the log. */
  entry: base64Schema,
  proof: inclusionSchema,
  block: blockHeaderSchema,
  signatures: z.array(blockSignatureSchema).max(maxReceiptSignatures),
  anchor: anchorSchema,
  /** For a member of an aggregate: from the content's digest to the record's. */
  inner: inclusionSchema.optional(),
});

/** See {@link receiptSchema}. */
export type Receipt = z.infer<typeof receiptSchema>;

/**
 * Reads a receipt. It checks the form only: see `verifyReceipt`.
 * @throws NotariumError `receipt-malformed`; for JSON of more than one reading, the `json-…` codes of parseStrictJson.
 */
export function parseReceipt(text: string | Uint8Array): Receipt {
  return asReceipt(parseStrictJson(text, { maxSize: maxReceiptChars, maxDepth: 4 }));
}

/** Checks the form of a parsed receipt. Throws as {@link parseReceipt}. */
export function asReceipt(value: unknown): Receipt {
  const parsed = receiptSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const field = issue.path.join('.');
    throw new NotariumError('receipt-malformed', `${field || 'receipt'}: ${issue.message}`, { data: { field } });
  }
  return parsed.data;
}

/** What a receipt is made of. */
export type ReceiptParts = {
  readonly entry: Uint8Array;
  readonly leafIndex: number;
  /** Inclusion path in the tree of size `block.treeSize`: hashes, or their lower-case hexadecimal digits. */
  readonly path: readonly (Uint8Array | string)[];
  readonly block: BlockHeader;
  readonly signatures: readonly BlockSignature[];
  readonly anchor: Anchor;
  readonly inner?: Receipt['inner'];
};

/** Puts a receipt together; `JSON.stringify` of it is the file. */
export function buildReceipt(parts: ReceiptParts): Receipt {
  const { entry, leafIndex, path, block, signatures, anchor, inner } = parts;
  return {
    format: receiptFormat,
    entry: toBase64(entry),
    proof: {
      leafIndex,
      treeSize: block.treeSize,
      path: path.map((hash) => (typeof hash === 'string' ? hash : hexDigits(hash))),
    },
    block: { ...block },
    signatures: signatures.map(({ signer, signature }) => ({ signer, signature })),
    anchor: { ...anchor },
    ...(inner ? { inner } : {}),
  };
}

/** A member's receipt: that of the aggregate's record with the member's inner proof added. */
export function withInnerProof(receipt: Receipt, inner: NonNullable<Receipt['inner']>): Receipt {
  return { ...receipt, inner };
}
