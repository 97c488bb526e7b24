import { createHash } from 'node:crypto';
import { certificateDigest, certificateFormat, type TrustCertificate } from '../../core/activities/certificate.ts';
import {
  type Disclosure,
  disclosureFormat,
  maxDisclosureBytes,
  parseDisclosure,
} from '../../core/activities/disclosure.ts';
import { parseCertificate } from '../../core/activities/verifyCertificate.ts';
import { attempt } from '../../core/attempt.ts';
import { fromHex } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import type { Receipt } from '../../core/receipt.ts';
import { digestText } from '../../core/record.ts';
import { recordIn } from '../../core/recordIn.ts';
import { jsonOrUndefined } from '../../lib/jsonOrUndefined.ts';
import { readSmallFile } from '../../lib/readSmallFile.ts';

/** A file that shows something of a private activity. */
export type ShownFile =
  | { readonly kind: 'disclosure'; readonly disclosure: Disclosure }
  | { readonly kind: 'certificate'; readonly certificate: TrustCertificate };

/** Bytes of a file that says of itself that it is one of these. */
export type MaybeShown = { readonly kind: ShownFile['kind']; readonly bytes: Uint8Array; readonly value: unknown };

// Also of a version that is not known here: then it is malformed, and no evidence of its own.
const families = [
  { kind: 'disclosure', prefix: familyOf(disclosureFormat) },
  { kind: 'certificate', prefix: familyOf(certificateFormat) },
] as const;

function familyOf(format: string): string {
  return format.slice(0, format.lastIndexOf('/') + 1);
}

/** Looks whether a file is a disclosure or a trust certificate; undefined for any other one, and for what cannot be read. */
export async function findShown(path: string): Promise<MaybeShown | undefined> {
  let bytes: Buffer;
  try {
    bytes = await readSmallFile(path, { maxBytes: maxDisclosureBytes });
  } catch (error) {
    // Too large, or missing: whoever hashes it says so.
    if (error instanceof NotariumError) return undefined;
    throw error;
  }
  // Most files are no JSON, and of most of those a look is enough.
  if (!families.some(({ prefix }) => bytes.includes(prefix))) return undefined;
  const value = jsonOrUndefined(bytes);
  const format = typeof value === 'object' && value !== null && 'format' in value ? value.format : undefined;
  if (typeof format !== 'string') return undefined;
  const kind = families.find(({ prefix }) => format.startsWith(prefix))?.kind;
  return kind && { kind, bytes, value };
}

/** A receipt that a disclosure carries. */
export function carriedReceipt({ kind, value }: MaybeShown): unknown {
  return kind === 'disclosure' ? (value as { receipt?: unknown }).receipt : undefined;
}

/**
 * Reads it, unless the receipt is about the file itself, as any file can be notarised: then undefined.
 * @throws NotariumError `disclosure-malformed`, `trust-certificate-malformed`.
 */
export function readShown({ kind, bytes }: MaybeShown, receipt: Receipt): ShownFile | undefined {
  const digest = recordIn(receipt)?.digest;
  if (digest === digestText(createHash('sha256').update(bytes).digest())) {
    const certificate = attempt(() => parseCertificate(bytes));
    const isCanonical =
      kind === 'certificate' &&
      'value' in certificate &&
      digest === digestText(fromHex(certificateDigest(certificate.value)));
    if (!isCanonical) return undefined;
  }
  return kind === 'disclosure'
    ? { kind, disclosure: parseDisclosure(bytes) }
    : { kind, certificate: parseCertificate(bytes) };
}
