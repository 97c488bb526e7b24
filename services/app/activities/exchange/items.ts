import { z } from 'zod';
import { ackSchema } from '../../../core/activities/ack.ts';
import { concat, utf8 } from '../../../core/bytes.ts';
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

/** Most items of one request or answer, and most bytes of all of them. */
export const maxItems = 256;
export const maxItemsBytes = 16 << 20;
// Of small items; a large one has frames of its own, most of them a single one.
const frameBytes = 1 << 20;
const largeFrameBytes = 2 << 20;
// Larger items are not copied.
const largeBytes = 64 << 10;
// Smaller frames than this on the average cost more than they bring; some come with each item.
const leastFrameBytes = 1 << 10;

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

type Item = string | Uint8Array;

/** Items of any size as frames: each with its size before it (4 bytes, big endian), several in one frame, or one in several. */
export async function* framesOf(items: Iterable<Item> | AsyncIterable<Item>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  const take = (): Uint8Array => {
    const all = concat(...held);
    held = [];
    heldBytes = 0;
    return all;
  };
  for await (const item of items) {
    const bytes = typeof item === 'string' ? utf8(item) : item;
    const size = new Uint8Array(4);
    new DataView(size.buffer).setUint32(0, bytes.length);
    held.push(size);
    heldBytes += size.length;
    if (bytes.length < largeBytes) {
      held.push(bytes);
      heldBytes += bytes.length;
      if (heldBytes >= frameBytes) yield take();
      continue;
    }
    yield take();
    for (let at = 0; at < bytes.length; at += largeFrameBytes) yield bytes.subarray(at, at + largeFrameBytes);
  }
  if (heldBytes > 0) yield take();
}

/**
 * Items of frames; nothing is set aside for one before its bytes have come.
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
      const isLarge = haveBytes === 0 && taken.length >= largeBytes;
      const whole = isLarge ? taken : appended(held, haveBytes, taken).subarray(0, wantBytes);
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
