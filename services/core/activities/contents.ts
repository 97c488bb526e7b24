import { z } from 'zod';
import { textAtMost } from '../admission/text.ts';
import { fromHex, fromUtf8, type Hash, toHex } from '../bytes.ts';
import { canonicalBytes } from '../canonicalJson.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import { type Json, jsonSchema } from '../governance/json.ts';
import { hashSchema, uintSchema } from '../schemas.ts';

/** Largest body, see {@link bodyBytes}. */
export const maxBodyBytes = 4 << 20;
/** Most attachments of one message. */
export const maxAttachments = 256;

/** A file beside a message: its ciphertext is handed out on its own, its key stands in the message. */
export const attachmentSchema = z.strictObject({
  name: textAtMost(255).min(1),
  mediaType: textAtMost(127).optional(),
  /** Of the file as it is. */
  sizeBytes: uintSchema,
  /** SHA-256 of the file as it is. */
  digest: hashSchema,
  /** SHA-256 of what is handed out. */
  sealedDigest: hashSchema,
  sealedBytes: uintSchema,
  /** Content key, 32 bytes. */
  key: hashSchema,
});

/** See {@link attachmentSchema}. */
export type Attachment = z.infer<typeof attachmentSchema>;

const disclosures = z.array(z.string().max(maxBodyBytes)).max(4096);
const onePiece = z.strictObject({ salt: hashSchema, body: jsonSchema });

/** What a message says, as one piece, or field by field (SD-JWT): `sdJwt` without its disclosures, which stand beside it. */
export const bodySchema = z.union([
  onePiece,
  z.strictObject({ salt: hashSchema, sdJwt: z.string().max(maxBodyBytes), disclosures }),
]);

/** What a device says, as one piece, or field by field: `packed` has digests in the place of fields, and is still to be signed by its operator. */
export const deviceBodySchema = z.union([
  onePiece,
  z.strictObject({ salt: hashSchema, packed: jsonSchema, disclosures }),
]);

/** See {@link bodySchema}. */
export type Body = z.infer<typeof bodySchema>;

/** The attachments of a message. */
export const attachmentsSchema = z.strictObject({
  salt: hashSchema,
  list: z.array(attachmentSchema).max(maxAttachments),
});

/** See {@link attachmentsSchema}. */
export type Attachments = z.infer<typeof attachmentsSchema>;

// A body can be large, and is written for its commitment as it is written to be sealed.
const knownBytes = new WeakMap<Body, Uint8Array>();

/** Canonical bytes of a body. Neither may be changed. */
export function writtenBody(body: Body): Uint8Array {
  let bytes = knownBytes.get(body);
  if (!bytes) {
    bytes = canonicalBytes(body);
    knownBytes.set(body, bytes);
  }
  return bytes;
}

/** Takes the canonical bytes of a body from where it was read, so that it need not be written again. */
export function keepWrittenBody(body: Body, bytes: Uint8Array): void {
  knownBytes.set(body, bytes);
}

/** A body that is one piece, by the bytes of what it says: canonical JSON, which is read when somebody asks for it. */
export function unreadBody(salt: Hash, bytes: Uint8Array): Body {
  let read: { readonly body: Json } | undefined;
  return {
    salt,
    get body() {
      read ??= { body: JSON.parse(fromUtf8(bytes)) as Json };
      return read.body;
    },
  };
}

/** Size of a body: of its canonical JSON; of one in fields, of the texts that it is made of. */
export function bodyBytes(body: Body): number {
  if ('sdJwt' in body) return body.disclosures.reduce((sum, { length }) => sum + length, body.sdJwt.length);
  const around = canonicalBytes({ salt: body.salt, body: '' }).length - '""'.length;
  return writtenBody(body).length - around;
}

/** Commitment to a body. By its salt nobody can guess what it is. The disclosures are bound by the SD-JWT. */
export function bodyDigest(body: Body, sha256: Crypto['sha256'] = portableCrypto.sha256): Hash {
  return toHex(sha256('sdJwt' in body ? canonicalBytes({ salt: body.salt, sdJwt: body.sdJwt }) : writtenBody(body)));
}

/** Digest of all disclosures of a body in fields, in their order; undefined for one that is one piece. */
export function disclosuresDigest(
  body: Body | Pick<Extract<Body, { sdJwt: string }>, 'disclosures'>,
  sha256: Crypto['sha256'] = portableCrypto.sha256,
): Hash | undefined {
  return 'disclosures' in body ? toHex(sha256(canonicalBytes(body.disclosures))) : undefined;
}

/** What may be shown of an attachment: all but its key, of which the digest makes the rest unguessable. */
export const shownAttachmentSchema = attachmentSchema.omit({ key: true }).extend({ keyDigest: hashSchema });

/** See {@link shownAttachmentSchema}. */
export type ShownAttachment = z.infer<typeof shownAttachmentSchema>;

/** What may be shown of an attachment. */
export function shownAttachment(
  { key, ...rest }: Attachment,
  sha256: Crypto['sha256'] = portableCrypto.sha256,
): ShownAttachment {
  return { ...rest, keyDigest: toHex(sha256(fromHex(key))) };
}

/** Commitment to one attachment: it can be shown without the others, and without its key. */
export function attachmentDigest(shown: ShownAttachment, sha256: Crypto['sha256'] = portableCrypto.sha256): Hash {
  return toHex(sha256(canonicalBytes(shown)));
}

/** Commitment to attachments whose own commitments are these. */
export function attachmentListDigest(
  salt: Hash,
  list: readonly Hash[],
  sha256: Crypto['sha256'] = portableCrypto.sha256,
): Hash {
  return toHex(sha256(canonicalBytes({ salt, list })));
}

/** Commitment to the attachments. */
export function attachmentsDigest({ salt, list }: Attachments, sha256: Crypto['sha256'] = portableCrypto.sha256): Hash {
  const digests = list.map((attachment) => attachmentDigest(shownAttachment(attachment, sha256), sha256));
  return attachmentListDigest(salt, digests, sha256);
}
