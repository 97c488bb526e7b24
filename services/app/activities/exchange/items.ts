import { z } from 'zod';
import { ackSchema } from '../../../core/activities/ack.ts';
import { envelopeSchema } from '../../../core/activities/envelope.ts';
import { maxParcelBytes } from '../../../core/activities/parcel.ts';
import { checkValues } from '../../../core/activities/valueBounds.ts';
import { concat, fromUtf8, utf8 } from '../../../core/bytes.ts';
import { NotariumError } from '../../../core/errors.ts';
import { hashSchema, uintSchema } from '../../../core/schemas.ts';

/** Request protocols between the members of an activity. */
export const activityProtocols = {
  /** Envelopes, and acknowledgements of what was held before; each is answered by an acknowledgement or a code. */
  deliver: '/notarium/activities/1',
  /** Messages that a member lacks, sealed to it anew. */
  messages: '/notarium/activity-messages/1',
  /** Which messages both have to have: whether these are the same, and which there are. */
  compare: '/notarium/activity-compare/1',
  /** The encrypted bytes of an attachment, from a place on. */
  attachments: '/notarium/activity-attachments/1',
} as const;

/** Largest envelope as JSON: base64url of the largest parcel, and the keys of 64 members. */
export const maxEnvelopeBytes = Math.ceil((maxParcelBytes * 4) / 3) + (64 << 10);
/** Most items of one request or answer, and most bytes of all of them. */
export const maxItems = 256;
export const maxItemsBytes = 16 << 20;
const frameBytes = 1 << 20;
// Smaller frames than this on the average cost more than they bring; some come with each item.
const leastFrameBytes = 1 << 10;

// Some more than one with the keys of 64 members has.
const maxEnvelopeValues = 1024;

/** JSON of an envelope, or of what there is around one. @throws Error for what has too many values to be one, before it is read. */
export function envelopeJson(item: Uint8Array): unknown {
  const text = fromUtf8(item);
  checkValues(text, maxEnvelopeValues);
  return JSON.parse(text);
}

/** What one item of a delivery is. */
export const deliveredSchema = z.union([envelopeSchema, z.strictObject({ ack: ackSchema })]);

/** What one item is answered by. */
export const answerSchema = z.union([
  z.strictObject({ ack: ackSchema }),
  z.strictObject({ noted: z.literal(true) }),
  z.strictObject({ code: z.string().max(64), detail: z.string().max(1000) }),
]);

/** See {@link answerSchema}. */
export type DeliveryAnswer = z.infer<typeof answerSchema>;

/** Which messages of an activity are wanted: these, those that opened these epochs, or all from a place of the answerer's on. */
export const messagesQuerySchema = z.strictObject({
  activity: hashSchema,
  messages: z.array(hashSchema).max(maxItems),
  groups: z.array(hashSchema).max(maxItems),
  fromPlace: uintSchema.optional(),
});

/** See {@link messagesQuerySchema}. */
export type MessagesQuery = z.infer<typeof messagesQuerySchema>;

/** A message, and its place at the answerer. */
export const copySchema = z.strictObject({ place: uintSchema, envelope: envelopeSchema });

/** Most activities that are compared in one request, and most ids in one answer. */
export const maxCompared = 64;
export const maxListed = 4096;

/** What a member has of an activity: of all messages that both have to have, one digest. Ids are wanted from one on where they differ. */
export const comparedSchema = z.strictObject({
  activity: hashSchema,
  /** Epoch with which the asker has come in. */
  since: uintSchema,
  digest: hashSchema,
  after: hashSchema.optional(),
});

/** See {@link comparedSchema}. */
export type Compared = z.infer<typeof comparedSchema>;

/** What the other one has. */
export const comparisonSchema = z.union([
  z.strictObject({ same: z.literal(true) }),
  /** There is no such activity, or the asker was never a member of it as far as is known here. */
  z.strictObject({ unknown: z.literal(true) }),
  /** The asker is no member any more. */
  z.strictObject({ removed: z.literal(true) }),
  z.strictObject({
    /** In their order; as many as there may be where there are more. */
    ids: z.array(hashSchema).max(maxListed),
    /** Its initiator has begun it twice. */
    forked: z.literal(true).optional(),
  }),
]);

/** See {@link comparisonSchema}. */
export type Comparison = z.infer<typeof comparisonSchema>;

/** Which attachment is wanted, and a message of an activity that names it. */
export const attachmentQuerySchema = z.strictObject({
  activity: hashSchema,
  message: hashSchema,
  sealedDigest: hashSchema,
  fromByte: uintSchema,
});

/** See {@link attachmentQuerySchema}. */
export type AttachmentQuery = z.infer<typeof attachmentQuerySchema>;

/** Texts of any size as frames: each with its size before it (4 bytes, big endian), several in one frame, or one in several. */
export async function* framesOf(texts: Iterable<string> | AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const text of texts) {
    const bytes = utf8(text);
    const size = new Uint8Array(4);
    new DataView(size.buffer).setUint32(0, bytes.length);
    held.push(size, bytes);
    heldBytes += 4 + bytes.length;
    if (heldBytes < frameBytes) continue;
    const all = concat(...held);
    let at = 0;
    for (; all.length - at >= frameBytes; at += frameBytes) yield all.subarray(at, at + frameBytes);
    held = [all.subarray(at)];
    heldBytes = all.length - at;
  }
  if (heldBytes > 0) yield concat(...held);
}

/**
 * Texts of frames; nothing is set aside for one before its bytes have come.
 * @throws NotariumError `peer-answer-invalid` for more or larger ones than allowed, frames that are too small, or a last one that is cut short.
 */
export async function* itemsOf(
  frames: AsyncIterable<Uint8Array>,
  bounds: { readonly itemBytes: number; readonly items: number; readonly bytes: number },
): AsyncGenerator<Uint8Array> {
  const fail = (detail: string): NotariumError => new NotariumError('peer-answer-invalid', detail);
  let held = new Uint8Array(0);
  let haveBytes = 0;
  let wantBytes = 4;
  let isSize = true;
  let items = 0;
  let bytes = 0;
  let count = 0;
  for await (const frame of frames) {
    bytes += frame.length;
    if (bytes > bounds.bytes) throw fail('more bytes than a request may have');
    if (++count > 2 * bounds.items + bytes / leastFrameBytes) throw fail('frames that are too small');
    let rest = frame;
    while (haveBytes + rest.length >= wantBytes) {
      const taken = rest.subarray(0, wantBytes - haveBytes);
      rest = rest.subarray(taken.length);
      const whole = appended(held, haveBytes, taken).subarray(0, wantBytes);
      held = new Uint8Array(0);
      haveBytes = 0;
      if (isSize) {
        wantBytes = new DataView(whole.buffer, whole.byteOffset).getUint32(0);
        if (wantBytes > bounds.itemBytes) throw fail(`an item of ${wantBytes} bytes`);
        if (++items > bounds.items) throw fail('more items than a request may have');
      } else {
        yield whole;
        wantBytes = 4;
      }
      isSize = !isSize;
    }
    held = appended(held, haveBytes, rest);
    haveBytes += rest.length;
  }
  if (haveBytes > 0 || !isSize) throw fail('the last item is cut short');
}

/** Bytes with others after them, in one buffer that doubles: what comes in many pieces is not kept as many things. */
function appended(held: Uint8Array<ArrayBuffer>, haveBytes: number, more: Uint8Array): Uint8Array<ArrayBuffer> {
  const wantBytes = haveBytes + more.length;
  let into = held;
  if (wantBytes > held.length) {
    into = new Uint8Array(haveBytes === 0 ? wantBytes : Math.max(wantBytes, 2 * held.length));
    into.set(held.subarray(0, haveBytes));
  }
  into.set(more, haveBytes);
  return into;
}
