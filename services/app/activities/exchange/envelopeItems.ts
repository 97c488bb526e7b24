import { z } from 'zod';
import { ackSchema } from '../../../core/activities/ack.ts';
import type { Envelope } from '../../../core/activities/envelope.ts';
import { maxParcelBytes } from '../../../core/activities/parcel.ts';
import { ciphertextBytes, type Sealed, sealedSchema, sealedWith } from '../../../core/activities/sealed.ts';
import { checkValues } from '../../../core/activities/valueBounds.ts';
import { fromUtf8, utf8 } from '../../../core/bytes.ts';
import { uintSchema } from '../../../core/schemas.ts';

/** Most bytes of an envelope beside its ciphertext: the keys of 64 members take a third of it. */
export const maxHeadBytes = 64 << 10;
/** Largest item that has an envelope, and what there is around one, in it. */
export const maxEnvelopeBytes = maxParcelBytes + maxHeadBytes;
/** A larger ciphertext stands behind the JSON: as a part of it, it would be read and copied again and again. */
const maxBytesWithin = 6 << 10;
// Some more than one with the keys of 64 members has.
const maxEnvelopeValues = 1024;
const lineFeed = 0x0a;

const envelopeSchema = z.strictObject({
  /** Without its ciphertext where that stands behind the JSON. */
  sealed: sealedSchema.partial({ ciphertext: true }),
  copy: z.literal(true).optional(),
});

/** What the JSON of one item of a delivery is. */
export const deliveredSchema = z.union([envelopeSchema, z.strictObject({ ack: ackSchema })]);

/** JSON of a message, and its place at the answerer. */
export const copySchema = z.strictObject({ place: uintSchema, envelope: envelopeSchema });

/** A message, and its place at the answerer. */
export type Copy = { readonly place: number; readonly envelope: Envelope };

/** Bytes of an envelope: its JSON; where the ciphertext is a large one, the JSON without it, a line feed, and what the ciphertext says in base64url. */
export function envelopeItem({ sealed, ...rest }: Envelope): Uint8Array {
  return itemOf(sealed, (left) => ({ sealed: left, ...rest }));
}

/** Bytes of a copy; see {@link envelopeItem}. */
export function copyItem({ place, envelope: { sealed, ...rest } }: Copy): Uint8Array {
  return itemOf(sealed, (left) => ({ place, envelope: { sealed: left, ...rest } }));
}

function itemOf(sealed: Sealed, around: (sealed: Partial<Sealed>) => object): Uint8Array {
  const bytes = ciphertextBytes(sealed);
  if (bytes.length <= maxBytesWithin) return utf8(JSON.stringify(around(sealed)));
  const { protected: header, iv, tag, recipients } = sealed;
  const head = utf8(JSON.stringify(around({ protected: header, iv, tag, recipients })));
  const item = new Uint8Array(head.length + 1 + bytes.length);
  item.set(head);
  item[head.length] = lineFeed;
  item.set(bytes, head.length + 1);
  return item;
}

/** One item of a delivery. @throws Error for any other one. */
export function readDelivered(item: Uint8Array): Envelope | { ack: z.infer<typeof ackSchema> } {
  const { json, ciphertext } = read(item);
  const parsed = deliveredSchema.parse(json);
  if ('sealed' in parsed) return whole(parsed, ciphertext);
  if (ciphertext) throw new Error('something behind an acknowledgement');
  return parsed;
}

/** An envelope. @throws Error for anything else. */
export function readEnvelopeItem(item: Uint8Array): Envelope {
  const { json, ciphertext } = read(item);
  return whole(envelopeSchema.parse(json), ciphertext);
}

/** A copy. @throws Error for anything else. */
export function readCopy(item: Uint8Array): Copy {
  const { json, ciphertext } = read(item);
  const { place, envelope } = copySchema.parse(json);
  return { place, envelope: whole(envelope, ciphertext) };
}

/** The JSON before the first line feed, and what comes after that. @throws Error for what has too many values to be an envelope, before it is read. */
function read(item: Uint8Array): { readonly json: unknown; readonly ciphertext?: Uint8Array } {
  const end = item.subarray(0, maxHeadBytes + 1).indexOf(lineFeed);
  const text = fromUtf8(end < 0 ? item : item.subarray(0, end));
  checkValues(text, maxEnvelopeValues);
  return { json: JSON.parse(text), ...(end < 0 ? {} : { ciphertext: item.subarray(end + 1) }) };
}

function whole({ sealed, ...rest }: z.infer<typeof envelopeSchema>, behind: Uint8Array | undefined): Envelope {
  const { ciphertext, ...others } = sealed;
  if (ciphertext !== undefined && !behind) return { ...rest, sealed: { ...others, ciphertext } };
  if (ciphertext !== undefined || !behind) throw new Error('not one ciphertext');
  if (behind.length > maxParcelBytes) throw new Error('a ciphertext that is too large');
  return { ...rest, sealed: sealedWith(others, behind) };
}

/** Whether what is sealed in an item is sealed to a key. */
export function isSealedTo(item: Uint8Array, key: string): boolean {
  // The keys stand in the JSON as text, and nothing else there has quotes around so many digits.
  const head = Buffer.from(item.buffer, item.byteOffset, Math.min(item.length, maxHeadBytes));
  return head.includes(`"${key}"`);
}
