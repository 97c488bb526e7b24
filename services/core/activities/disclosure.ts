import { z } from 'zod';
import { fromUtf8, type Hash } from '../bytes.ts';
import { canonicalText } from '../canonicalJson.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import { isNotariumError, NotariumError } from '../errors.ts';
import { type Receipt, receiptSchema } from '../receipt.ts';
import { hashSchema, hexSchema, uintSchema } from '../schemas.ts';
import { parseStrictJson } from '../strictJson.ts';
import { attachmentDigest, bodySchema, maxAttachments, shownAttachment, shownAttachmentSchema } from './contents.ts';
import { showFields } from './fields.ts';
import { shownHeadSchema } from './message.ts';
import { commitmentsOf, deviceOf, type Message, maxParcelBytes, shownHead } from './parcel.ts';
import { type Seal, sealSchema } from './sealed.ts';
import { checkValues, maxDisclosureValues } from './valueBounds.ts';

/** Name and version of the format. */
export const disclosureFormat = 'notarium-disclosure/1';
/** Largest file of a disclosure, in bytes. */
export const maxDisclosureBytes = maxParcelBytes + (1 << 20);
/** Deepest nesting: a body has as many levels in a message, and two above it. */
const maxDepth = 42;

/**
 * One file that shows to a member or an outsider that a content is what was notarised, and nothing else. What is not in it stays
 * hidden behind its commitment.
 */
export const disclosureSchema = z
  .strictObject({
    format: z.literal(disclosureFormat),
    /** What the digest in the log is made of. */
    seal: sealSchema,
    /** What the id of the message is made of. */
    commitments: z.strictObject({ head: hashSchema, body: hashSchema, attachments: hashSchema }),
    /** What the message says: all of it, or the fields that were chosen. Fields name their author, by whose signature they hold. */
    body: bodySchema.optional(),
    /** Who sent it to whom, when and as what, as it may be shown. */
    author: z.strictObject({ head: shownHeadSchema, signature: hexSchema(64, 65) }).optional(),
    /** Some of the attachments, each by its number in the list of commitments. */
    attachments: z
      .strictObject({
        salt: hashSchema,
        list: z.array(hashSchema).max(maxAttachments),
        shown: z
          .array(z.strictObject({ index: uintSchema, attachment: shownAttachmentSchema }))
          .min(1)
          .max(maxAttachments),
      })
      .optional(),
    /** Of the record in the log, so that one file is enough. */
    receipt: receiptSchema.optional(),
  })
  .refine(({ body, author, attachments }) => body || author || attachments, 'it discloses nothing');

/** See {@link disclosureSchema}. */
export type Disclosure = z.infer<typeof disclosureSchema>;

/** What of a message is to be disclosed. */
export type DisclosureWish = {
  /** All of the body, or fields of it (JSON Pointers or dotted paths) if it was notarised in fields. */
  readonly body?: boolean | readonly string[];
  /** Sender, members where the message names them, time and kind of the message; of fields that a device has signed their digests. */
  readonly author?: boolean;
  /** Numbers of attachments, from 0. */
  readonly attachments?: readonly number[];
  readonly receipt?: Receipt | undefined;
};

/**
 * Discloses some of a message.
 * @param seal The one that the log has: of a copy the original.
 * @throws NotariumError `activity-field-unknown`; `request-invalid` for fields of a body that has none, an attachment that is not there, or
 *   nothing at all.
 */
export function makeDisclosure(
  message: Message,
  seal: Seal,
  wish: DisclosureWish,
  crypto: Crypto = portableCrypto,
): Disclosure {
  const { head, signature } = message;
  // What a device has signed are the digests of its fields: without them nobody sees that it has.
  const isOfDevice = wish.author === true && deviceOf(head) !== undefined && 'sdJwt' in message.body;
  const body = bodyFor(message, wish.body || (isOfDevice ? [] : false), crypto);
  const attachments = attachmentsFor(message, wish.attachments ?? [], crypto);
  const author = wish.author ? { head: shownHead(head, crypto.sha256), signature } : undefined;
  if (!body && !author && !attachments) throw new NotariumError('request-invalid', 'nothing is to be disclosed');
  return {
    format: disclosureFormat,
    seal,
    commitments: commitmentsOf(message, crypto.sha256),
    ...(body ? { body } : {}),
    ...(author ? { author } : {}),
    ...(attachments ? { attachments } : {}),
    ...(wish.receipt ? { receipt: wish.receipt } : {}),
  };
}

function bodyFor(
  { body }: Message,
  wish: NonNullable<DisclosureWish['body']>,
  crypto: Crypto,
): Message['body'] | undefined {
  if (typeof wish === 'boolean') return wish ? body : undefined;
  if ('sdJwt' in body) return showFields(body, wish, crypto);
  throw new NotariumError('request-invalid', 'the body was not notarised in fields: it can be disclosed whole');
}

function attachmentsFor(
  { attachments: { salt, list } }: Message,
  wish: readonly number[],
  { sha256 }: Crypto,
): Disclosure['attachments'] {
  if (wish.length === 0) return undefined;
  const all = list.map((attachment) => shownAttachment(attachment, sha256));
  const shown = [...new Set(wish)].map((index) => {
    const attachment = all[index];
    if (!attachment) throw new NotariumError('request-invalid', `there is no attachment ${index}`);
    return { index, attachment };
  });
  return { salt, list: all.map((attachment): Hash => attachmentDigest(attachment, sha256)), shown };
}

/** The text of a disclosure's file: canonical, so that there is one for each. */
export function disclosureText(disclosure: Disclosure): string {
  return `${canonicalText(disclosure)}\n`;
}

/**
 * Reads the file of a disclosure. It checks the form only: see `verifyDisclosure`.
 * @throws NotariumError `disclosure-malformed`, `activity-body-invalid` for one with too many values.
 */
export function parseDisclosure(text: string | Uint8Array): Disclosure {
  try {
    const whole = typeof text === 'string' ? text : fromUtf8(text);
    if (whole.length > maxDisclosureBytes) throw malformed('it is too large');
    checkValues(whole, maxDisclosureValues);
    const value = parseStrictJson(whole, { maxSize: maxDisclosureBytes, maxDepth });
    const disclosure = asDisclosure(value);
    if (disclosureText(disclosure).trimEnd() !== whole.replace(/\n$/, '')) throw malformed('it is not canonical JSON');
    return disclosure;
  } catch (cause) {
    if (isNotariumError(cause, 'disclosure-malformed') || isNotariumError(cause, 'activity-body-invalid')) throw cause;
    throw malformed((cause as Error).message, cause);
  }
}

/**
 * Checks the form of parsed JSON.
 * @throws NotariumError `disclosure-malformed`.
 */
export function asDisclosure(value: unknown): Disclosure {
  const parsed = disclosureSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw malformed(`${issue.path.join('.') || 'disclosure'}: ${issue.message}`);
}

function malformed(detail: string, cause?: unknown): NotariumError {
  return new NotariumError('disclosure-malformed', detail, { cause });
}
