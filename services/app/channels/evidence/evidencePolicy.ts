import { z } from 'zod';
import { amountSchema } from '../../../core/channels/amount.ts';
import { maxBillCount } from '../../../core/channels/bill.ts';
import { NotariumError } from '../../../core/errors.ts';
import { addressSchema, uintSchema } from '../../../core/schemas.ts';
import { parseStrictJson } from '../../../core/strictJson.ts';
import { checkWebhook } from '../../webhook/webhookSettings.ts';

const gibibyte = 2 ** 30;

/** Who is asked when the built-in rules have nothing against evidence. */
const hookSchema = z.strictObject({
  url: z.string(),
  /** `whsec_…` of Standard Webhooks. */
  secret: z.string(),
  timeoutSeconds: uintSchema.min(1).max(300).default(10),
});

/** What a verifier takes, and what it asks for it: the policy file. Amounts are decimal text, in the token's smallest unit. */
export const evidencePolicySchema = z.strictObject({
  prices: z.strictObject({ perItem: amountSchema, perMebibyte: amountSchema }),
  /** How long a bill can be paid. */
  billSeconds: uintSchema
    .min(60)
    .max(7 * 86_400)
    .default(3600),
  /** Challenge periods of channels that are taken. */
  challengeSeconds: z.strictObject({ least: uintSchema, most: uintSchema }).default({ least: 3600, most: 30 * 86_400 }),
  leastDeposit: amountSchema.default(0n),
  /** ERC-20 tokens; zero for the chain's own coin. */
  tokens: z.array(addressSchema).min(1).default(['0x0000000000000000000000000000000000000000']),
  /** When the verifier ends a channel by itself; each condition alone suffices. */
  closing: z
    .strictObject({
      /** So many bills are paid. */
      evidenceCount: uintSchema.min(1).optional(),
      /** Since it was opened: what the verifier has earned does not wait for a requester that is gone. */
      ageSeconds: uintSchema.min(3600).default(365 * 86_400),
      /** The requester has less than this left. */
      requesterBalance: amountSchema.optional(),
      /** The verifier has at least this. */
      verifierBalance: amountSchema.optional(),
    })
    .prefault({}),
  evidence: z
    .strictObject({
      /** Size of a content, also of each one in a pack. */
      leastBytes: uintSchema.default(1),
      mostBytes: uintSchema.default(64 * gibibyte),
      /** Contents of a pack or list. */
      mostItems: uintSchema.min(2).max(maxBillCount).default(131_072),
      /** Media types by the first bytes, `image/*` for all of a family; any when left out. */
      mediaTypes: z.array(z.string()).min(1).optional(),
      /** Lists of digests alone, whose evidence the verifier never sees. */
      lists: z.boolean().default(false),
      /** Nothing that any channel has here already. */
      unique: z.boolean().default(false),
      /** Accounts of capture devices, one of which must have signed. */
      devices: z.array(addressSchema).min(1).optional(),
      /** Oldest capture. */
      captureSeconds: uintSchema.default(86_400),
      hook: hookSchema.optional(),
    })
    .prefault({}),
  uploads: z
    .strictObject({
      /** Uploads of a channel that are not in the evidence store yet. */
      mostOpen: uintSchema.min(1).max(10_000).default(256),
      /** Bytes of all uploads of a channel that are not paid, also of those in the evidence store. */
      mostOpenBytes: uintSchema.default(256 * gibibyte),
      /** Uploads of all channels together that are not paid: also a bound for bills, of which each upload has one at a time. */
      mostOfAll: uintSchema.min(1).max(10_000_000).default(262_144),
      /** Bytes of all uploads of all channels that are not paid. */
      mostBytesOfAll: uintSchema.default(4096 * gibibyte),
      /** One that nobody writes to goes. */
      idleSeconds: uintSchema.min(60).default(86_400),
      /** What was not paid goes after that. */
      unpaidSeconds: uintSchema.default(7 * 86_400),
    })
    .prefault({}),
});

/** See {@link evidencePolicySchema}. */
export type EvidencePolicy = z.output<typeof evidencePolicySchema>;

/**
 * Reads the text of a policy file.
 * @throws NotariumError `config-invalid`, naming the field.
 */
export function readEvidencePolicy(text: string): EvidencePolicy {
  let value: unknown;
  try {
    value = parseStrictJson(text);
  } catch (cause) {
    throw new NotariumError('config-invalid', `the policy is not JSON: ${(cause as Error).message}`, { cause });
  }
  const parsed = evidencePolicySchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new NotariumError('config-invalid', `policy: ${issue.path.join('.') || 'file'}: ${issue.message}`, {
      data: { field: issue.path.join('.') },
    });
  }
  const policy = parsed.data;
  if (policy.evidence.hook) checkWebhook(policy.evidence.hook);
  // Evidence whose bill can still be paid must never be collected.
  if (policy.uploads.unpaidSeconds < 2 * policy.billSeconds) {
    throw new NotariumError('config-invalid', 'policy: uploads.unpaidSeconds is less than twice billSeconds');
  }
  return policy;
}

/** What evidence costs: by items, and by bytes that are kept, rounded up. */
export function evidencePrice({ prices }: EvidencePolicy, count: number, sizeBytes: number): bigint {
  const mebibyte = 1n << 20n;
  return prices.perItem * BigInt(count) + (prices.perMebibyte * BigInt(sizeBytes) + mebibyte - 1n) / mebibyte;
}
