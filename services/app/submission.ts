import { z } from 'zod';
import type { GasFees, SentTransaction } from '../chain/Chain.ts';
import { fromHex, type Hash } from '../core/bytes.ts';
import { hashSchema } from '../core/schemas.ts';

/** What the anchorer keeps with a block: the consistency proof, and the newest transaction that it has signed. */
export type Submission = {
  readonly proof: readonly Hash[];
  readonly transaction?: SentTransaction;
  /** Unix milliseconds of the newest sending. */
  readonly sentMs?: number;
};

const amount = z.string().regex(/^[0-9]{1,78}$/);
const schema = z.strictObject({
  proof: z.array(hashSchema),
  sentMs: z.number().optional(),
  transaction: z
    .strictObject({
      hash: hashSchema,
      nonce: z.int().min(0),
      gasLimit: amount,
      fees: z.union([
        z.strictObject({ type: z.literal(2), maxFeePerGasWei: amount, maxPriorityFeePerGasWei: amount }),
        z.strictObject({ type: z.literal(0), gasPriceWei: amount }),
      ]),
    })
    .optional(),
});

/** JSON form of a submission. */
export function submissionJson(submission: Submission): Record<string, unknown> {
  const { proof, sentMs, transaction } = submission;
  return {
    proof,
    ...(sentMs === undefined ? {} : { sentMs }),
    ...(transaction === undefined
      ? {}
      : {
          transaction: {
            hash: transaction.hash,
            nonce: transaction.nonce,
            gasLimit: String(transaction.gasLimit),
            fees: Object.fromEntries(
              Object.entries(transaction.fees).map(([name, value]) => [name, name === 'type' ? value : String(value)]),
            ),
          },
        }),
  };
}

/** The submission from its JSON form; undefined where none was kept (a crash right after sealing). */
export function readSubmission(json: unknown): Submission | undefined {
  if (json === undefined) return undefined;
  const { proof, sentMs, transaction } = schema.parse(json);
  return {
    proof,
    ...(sentMs === undefined ? {} : { sentMs }),
    ...(transaction === undefined
      ? {}
      : {
          transaction: {
            hash: transaction.hash,
            nonce: transaction.nonce,
            gasLimit: BigInt(transaction.gasLimit),
            fees: readFees(transaction.fees),
          },
        }),
  };
}

function readFees(
  fees: { type: 0; gasPriceWei: string } | { type: 2; maxFeePerGasWei: string; maxPriorityFeePerGasWei: string },
): GasFees {
  return fees.type === 0
    ? { type: 0, gasPriceWei: BigInt(fees.gasPriceWei) }
    : {
        type: 2,
        maxFeePerGasWei: BigInt(fees.maxFeePerGasWei),
        maxPriorityFeePerGasWei: BigInt(fees.maxPriorityFeePerGasWei),
      };
}

/** The proof as bytes. */
export function proofBytes(submission: Submission): Uint8Array[] {
  return submission.proof.map(fromHex);
}
