import { attempt } from '../attempt.ts';
import { type Address, fromHex, type Hash } from '../bytes.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import { parseNetworkName } from '../eip712.ts';
import { NotariumError } from '../errors.ts';
import type { Receipt } from '../receipt.ts';
import { digestText } from '../record.ts';
import { recordIn } from '../recordIn.ts';
import { type StepResult, StepRun } from '../StepRun.ts';
import { type ReceiptStep, receiptSteps, type VerifyResult } from '../verifyReceipt.ts';
import { checkSignatures } from './certificate.ts';
import { attachmentDigest, attachmentListDigest, bodyDigest } from './contents.ts';
import { recovered } from './credential.ts';
import { asDisclosure, type Disclosure } from './disclosure.ts';
import { checkPlace, deviceBodyDigest, type Fields, readFields } from './fields.ts';
import { checkDevice, deviceOf, headDigest, messageDigest, messageId } from './parcel.ts';
import { activitySubject, readProtected, sealDigest } from './sealed.ts';

/** Steps from what is disclosed to the digest in the log, in their order; those of the receipt come after them. */
export const disclosureSteps = ['form', 'body', 'author', 'attachments', 'message', 'seal'] as const;

/** See {@link disclosureSteps}. */
export type DisclosureStep = (typeof disclosureSteps)[number];

/** What a verified disclosure shows. Empty when a step failed. */
export type Shown = {
  /** Id of the message. */
  readonly message?: Hash;
  /** The body, or as much of it as its fields show. */
  readonly body?: { readonly value: unknown; readonly fields?: Fields };
  /** Who has signed the message, or its fields. */
  readonly author?: Address;
  /** The device that has said so, and signed that, where the message was sent for one and its author is shown. */
  readonly device?: Address;
};

/** Outcome of a verification; `ok` when no step failed. */
export type DisclosureVerifyResult = {
  readonly ok: boolean;
  readonly steps: readonly StepResult<DisclosureStep | ReceiptStep>[];
  readonly shown: Shown;
  /** Of the receipt, where the disclosure leads to its record. */
  readonly receipt?: VerifyResult;
};

/** How the receipt is verified with the digest that its record has to have: `verifyReceipt` with what the verifier trusts. */
export type VerifyRecord = (contentDigest: Uint8Array, receipt: Receipt) => Promise<VerifyResult>;

/**
 * Verifies that what is disclosed is what the record in the receipt was made for: each step has its own code, and none is made after one that
 * failed. What `verifyRecord` throws goes through.
 */
export async function verifyDisclosure(
  disclosure: Disclosure,
  receipt: Receipt,
  options: { readonly verifyRecord: VerifyRecord; readonly crypto?: Crypto | undefined },
): Promise<DisclosureVerifyResult> {
  const { crypto = portableCrypto, verifyRecord } = options;
  const steps = new StepRun(disclosureSteps);
  // Whoever calls may have it from JSON.parse: the type is their word.
  const given = steps.make('form', () => asDisclosure(disclosure));
  const { body, author, attachments } = given ?? {};
  const value = body && steps.make('body', () => checkBody(given!, crypto));
  const { fields } = value ?? {};
  if (author) steps.make('author', () => checkAuthor(given!, fields?.author, crypto));
  if (attachments) steps.make('attachments', () => checkAttachments(given!, crypto));
  const message = steps.make('message', () => checkMessage(given!, crypto));
  const digest = steps.make('seal', () => checkSeal(given!, receipt, crypto));
  const record = steps.hasFailed ? undefined : await verifyRecord(digest!, receipt);
  const by = author?.head.sender ?? fields?.author;
  const device = author && deviceOf(author.head)?.credential.device;
  const ok = record?.ok === true;
  return {
    ok,
    steps: [...steps.results(), ...(record?.steps ?? new StepRun(receiptSteps).results())],
    shown: ok
      ? {
          message: message!,
          ...(value ? { body: value } : {}),
          ...(by ? { author: by } : {}),
          ...(device ? { device } : {}),
        }
      : {},
    ...(record ? { receipt: record } : {}),
  };
}

function checkBody({ body, commitments }: Disclosure, crypto: Crypto): NonNullable<Shown['body']> {
  if (bodyDigest(body!, crypto.sha256) !== commitments.body) throw new NotariumError('disclosure-body-mismatch');
  if (!('sdJwt' in body!)) return { value: body!.body };
  const fields = readFields(body, crypto);
  checkPlace(fields, commitments);
  return { value: fields.body, fields };
}

function checkAuthor(disclosure: Disclosure, fieldsBy: Address | undefined, crypto: Crypto): void {
  const { author, commitments } = disclosure;
  const { head, signature } = author!;
  if (headDigest(head, crypto.sha256) !== commitments.head) throw new NotariumError('disclosure-head-mismatch');
  const network = parseNetworkName(head.network)!;
  const digest = messageDigest(network, head, messageId(commitments, crypto.sha256), crypto.keccak256);
  if (recovered(crypto, digest, signature) !== head.sender) throw new NotariumError('disclosure-author-invalid');
  if (fieldsBy !== undefined && fieldsBy !== head.sender)
    throw new NotariumError('disclosure-author-invalid', 'somebody else has signed the fields');
  if (deviceOf(head))
    checkDevice(network, head, { ...commitments, body: saidByDevice(disclosure, head.fields, crypto) }, crypto);
  if (head.type !== 'certificate') return;
  const { on, members, signatures } = head;
  checkSignatures(network, { message: on, members }, signatures, crypto);
}

/** Of a body in one piece it is the commitment; of one in fields what these are, shown or hidden. */
function saidByDevice({ body, commitments }: Disclosure, fields: Hash | undefined, crypto: Crypto): Hash {
  if (fields === undefined) return commitments.body;
  if (body) return deviceBodyDigest(body, crypto);
  throw new NotariumError(
    'disclosure-author-invalid',
    'a device has signed its fields: they are not there, not even hidden',
  );
}

function checkAttachments({ attachments, commitments }: Disclosure, { sha256 }: Crypto): void {
  const { salt, list, shown } = attachments!;
  const fits = shown.every(({ index, attachment }) => list[index] === attachmentDigest(attachment, sha256));
  if (!fits || attachmentListDigest(salt, list, sha256) !== commitments.attachments)
    throw new NotariumError('disclosure-attachment-mismatch');
}

function checkMessage({ commitments, seal }: Disclosure, { sha256 }: Crypto): Hash {
  const id = messageId(commitments, sha256);
  const header = attempt(() => readProtected(seal.protected));
  if ('error' in header || header.value.mid !== id) throw new NotariumError('disclosure-message-mismatch');
  return id;
}

/** The record is one about this seal. */
function checkSeal({ seal, author }: Disclosure, receipt: Receipt, crypto: Crypto): Uint8Array {
  const digest = fromHex(sealDigest(seal, crypto.sha256));
  const record = recordIn(receipt, crypto);
  if (!record) return digest;
  const fail = (detail: string): NotariumError => new NotariumError('disclosure-seal-mismatch', detail);
  if (record.kind !== 'activity') throw fail(`the record is of kind ${record.kind}`);
  if (record.digest !== digestText(digest)) throw fail('the record has another digest');
  if (record.subject !== activitySubject(readProtected(seal.protected).grp))
    throw fail('the record has another subject');
  if (author && author.head.network !== record.network) throw fail('the record is of another network');
  return digest;
}
