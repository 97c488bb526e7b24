import { type Address, fromBase64, fromHex, type Hash } from '../bytes.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import { parseNetworkName } from '../eip712.ts';
import { NotariumError } from '../errors.ts';
import { asReceipt, type Receipt } from '../receipt.ts';
import { attempt } from '../receiptChecks.ts';
import { digestText, parseEntry } from '../record.ts';
import { type ReceiptStep, receiptSteps, type StepResult, type VerifyResult } from '../verifyReceipt.ts';
import { checkTrust } from './certificate.ts';
import { attachmentDigest, attachmentListDigest, bodyDigest } from './contents.ts';
import { recovered } from './credential.ts';
import { asDisclosure, type Disclosure } from './disclosure.ts';
import { type Fields, readFields } from './fields.ts';
import { headDigest, messageDigest, messageId } from './parcel.ts';
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
  const results = new Map<DisclosureStep, StepResult<DisclosureStep>>();
  let failed = false;
  const run = <T>(step: DisclosureStep, check: () => T): T | undefined => {
    if (failed) return undefined;
    const result = attempt(check);
    if ('value' in result) {
      results.set(step, { step, status: 'passed' });
      return result.value;
    }
    failed = true;
    const { code, message, data } = result.error;
    results.set(step, { step, status: 'failed', code, detail: message, data });
    return undefined;
  };
  // Whoever calls may have it from JSON.parse: the type is their word.
  const given = run('form', () => asDisclosure(disclosure));
  const { body, author, attachments } = given ?? {};
  const value = body && run('body', () => checkBody(given!, crypto));
  const { fields } = value ?? {};
  if (author) run('author', () => checkAuthor(given!, fields?.author, crypto));
  if (attachments) run('attachments', () => checkAttachments(given!, crypto));
  const message = run('message', () => checkMessage(given!, crypto));
  const digest = run('seal', () => checkSeal(given!, receipt, crypto));
  const record = failed ? undefined : await verifyRecord(digest!, receipt);
  const by = author?.head.sender ?? fields?.author;
  const ok = !failed && record!.ok;
  return {
    ok,
    steps: [
      ...disclosureSteps.map((step) => results.get(step) ?? { step, status: 'skipped' as const }),
      ...(record?.steps ?? receiptSteps.map((step) => ({ step, status: 'skipped' as const }))),
    ],
    shown: ok ? { message: message!, ...(value ? { body: value } : {}), ...(by ? { author: by } : {}) } : {},
    ...(record ? { receipt: record } : {}),
  };
}

function checkBody({ body, commitments }: Disclosure, crypto: Crypto): NonNullable<Shown['body']> {
  if (bodyDigest(body!, crypto.sha256) !== commitments.body) throw new NotariumError('disclosure-body-mismatch');
  if (!('sdJwt' in body!)) return { value: body!.body };
  const fields = readFields(body, crypto);
  return { value: fields.body, fields };
}

function checkAuthor({ author, commitments }: Disclosure, fieldsBy: Address | undefined, crypto: Crypto): void {
  const { head, signature } = author!;
  if (headDigest(head, crypto.sha256) !== commitments.head) throw new NotariumError('disclosure-head-mismatch');
  const network = parseNetworkName(head.network)!;
  const digest = messageDigest(network, head, messageId(commitments, crypto.sha256), crypto.keccak256);
  if (recovered(crypto, digest, signature) !== head.sender) throw new NotariumError('disclosure-author-invalid');
  if (fieldsBy !== undefined && fieldsBy !== head.sender)
    throw new NotariumError('disclosure-author-invalid', 'somebody else has signed the fields');
  if (head.type !== 'certificate') return;
  const { on, members, signatures } = head;
  const signed = [...new Set(signatures.map(({ member }) => member))];
  checkTrust(network, { message: on, members }, signatures, signed, crypto);
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

/** The record is one about this seal. What is wrong with a record that cannot be read, the receipt's own step says. */
function checkSeal({ seal, author }: Disclosure, receipt: Receipt, crypto: Crypto): Uint8Array {
  const digest = fromHex(sealDigest(seal, crypto.sha256));
  const reading = attempt(() => parseEntry(fromBase64(asReceipt(receipt).entry), { crypto }));
  if ('error' in reading) return digest;
  const { record } = reading.value;
  const fail = (detail: string): NotariumError => new NotariumError('disclosure-seal-mismatch', detail);
  if (record.kind !== 'activity') throw fail(`the record is of kind ${record.kind}`);
  if (record.digest !== digestText(digest)) throw fail('the record has another digest');
  if (record.subject !== activitySubject(readProtected(seal.protected).grp))
    throw fail('the record has another subject');
  if (author && author.head.network !== record.network) throw fail('the record is of another network');
  return digest;
}
