import { z } from 'zod';
import { acceptanceSchema } from '../../core/acceptance.ts';
import { blockSignatureSchema } from '../../core/block.ts';
import { fromUtf8, utf8 } from '../../core/bytes.ts';
import { signedHeaderSchema } from '../../core/equivocation.ts';
import { NotariumError } from '../../core/errors.ts';
import { encodeEntries } from '../../core/log/entryBundle.ts';
import { tileWidth } from '../../core/log/tile.ts';
import { hashSchema, hexSchema, uintSchema } from '../../core/schemas.ts';

/** Request protocols between centres. */
export const protocols = {
  /** A header with the publisher's signature, then id and leaf hash of each record; answered by a vote. */
  vote: '/notarium/vote/1',
  /** Ids of pool rows after a place. */
  pool: '/notarium/pool/1',
  /** Entries by record id, wherever they are. */
  records: '/notarium/records/1',
  /** Entries of the log by leaf index. */
  log: '/notarium/log/1',
  /** Entries to keep, answered by signed acceptances once they are on disk. */
  hold: '/notarium/hold/1',
  /** Signatures over a block hash that the centre has given or seen before. */
  signatures: '/notarium/signatures/1',
  /** Headers that publishers have shown to the centre. */
  headers: '/notarium/headers/1',
} as const;

/** Gossip topics. */
export const topics = {
  /** Bundles of accepted entries. */
  records: 'records',
  /** Headers that a publisher has signed: whoever sees two of one slot has proof of equivocation. */
  headers: 'headers',
  /** Heights that have been anchored: a hint to look at the chain now. */
  anchored: 'anchored',
} as const;

/** A vote. */
export const voteAnswerSchema = z.strictObject({ signature: hexSchema(64, 65) });

/** What to list of a pool: `instance` is that of the answer before, so that a restart begins anew. */
export const poolQuerySchema = z.strictObject({ instance: z.string().max(64), afterSeq: uintSchema });
export const poolPageSchema = z.strictObject({ instance: z.string().max(64), lastSeq: uintSchema, isEnd: z.boolean() });

/** Entries of the log, `to` not included. */
export const logQuerySchema = z.strictObject({ from: uintSchema, to: uintSchema });

/** Gossip of an anchored block. */
export const anchoredSchema = z.strictObject({ height: uintSchema, hash: hashSchema });

/** One for each entry of a `hold` request, in order; null for what was not taken. */
export const heldSchema = z.array(acceptanceSchema.nullable()).max(tileWidth);

/** A block whose signatures are wanted, and what a centre has of them: its own, and the publisher's. */
export const signaturesQuerySchema = z.strictObject({ slot: uintSchema, hash: hashSchema });
export const signaturesSchema = z.array(blockSignatureSchema).max(2);

/** From which slot on headers are wanted, and some of them. */
export const headersQuerySchema = z.strictObject({ fromSlot: uintSchema });
export const headersOfFrame = 256;
export const headersSchema = z.array(signedHeaderSchema).max(headersOfFrame);

/** Ids in one `records` request. */
export const maxIdsOfRequest = 4096;
/** Bytes of a bundle: below the limit of a gossip message (`NetLimits.gossipBytes`), far below that of a frame. */
const bundleBytes = 192 * 1024;

/** JSON as a frame. */
export function jsonFrame(value: unknown): Uint8Array {
  return utf8(JSON.stringify(value));
}

/**
 * Reads a JSON frame.
 * @throws NotariumError `peer-answer-invalid`.
 */
export function readJson<T>(schema: z.ZodType<T>, frame: Uint8Array | undefined): T {
  try {
    return schema.parse(JSON.parse(fromUtf8(frame ?? new Uint8Array(0))));
  } catch (cause) {
    throw new NotariumError('peer-answer-invalid', 'not the expected message', { cause });
  }
}

/** The first frame of a stream, and the rest of it. */
export async function firstFrame(
  frames: AsyncIterable<Uint8Array>,
): Promise<{ first: Uint8Array | undefined; rest: AsyncIterable<Uint8Array> }> {
  const iterator = frames[Symbol.asyncIterator]();
  const { done, value } = await iterator.next();
  return { first: done ? undefined : value, rest: { [Symbol.asyncIterator]: () => iterator } };
}

/** The single frame of an answer. @throws NotariumError `peer-answer-invalid` when there is another number. */
export async function onlyFrame(frames: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const found: Uint8Array[] = [];
  for await (const frame of frames) {
    found.push(frame);
    if (found.length > 1) break;
  }
  if (found.length !== 1)
    throw new NotariumError('peer-answer-invalid', `${found.length} frames where one was expected`);
  return found[0]!;
}

/** Entries as bundles (C2SP entry bundles of up to 256), each small enough for a frame or a gossip message. */
export function* bundlesOf(entries: Iterable<Uint8Array>): Generator<Uint8Array> {
  let held: Uint8Array[] = [];
  let sizeBytes = 0;
  for (const entry of entries) {
    if (held.length === tileWidth || (held.length > 0 && sizeBytes + 2 + entry.length > bundleBytes)) {
      yield encodeEntries(held);
      held = [];
      sizeBytes = 0;
    }
    held.push(entry);
    sizeBytes += 2 + entry.length;
  }
  if (held.length > 0) yield encodeEntries(held);
}

/** Items of a fixed size, packed into frames; the last frame may be short. */
export function* packedFrames(bytes: Uint8Array, frameBytes = bundleBytes): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += frameBytes) yield bytes.subarray(start, start + frameBytes);
}

/**
 * Collects packed items from frames, in one piece.
 * @throws Error what `fault` makes of a sender that gives more than `maxItems`, or cuts the last one.
 */
export async function collectPacked(
  frames: AsyncIterable<Uint8Array>,
  { itemBytes, maxItems, fault }: { itemBytes: number; maxItems: number; fault: (detail: string) => Error },
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const frame of frames) {
    sizeBytes += frame.length;
    if (sizeBytes > itemBytes * maxItems) throw fault(`more than ${maxItems} items`);
    parts.push(frame);
  }
  if (sizeBytes % itemBytes !== 0) throw fault('the last item is cut short');
  // Not by `concat(...)`: there may be more frames than a call can have arguments.
  const bytes = new Uint8Array(sizeBytes);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** As {@link collectPacked}, one by one. */
export async function collectItems(
  frames: AsyncIterable<Uint8Array>,
  bounds: { itemBytes: number; maxItems: number; fault: (detail: string) => Error },
): Promise<Uint8Array[]> {
  const { itemBytes } = bounds;
  const bytes = await collectPacked(frames, bounds);
  return Array.from({ length: bytes.length / itemBytes }, (_, index) =>
    bytes.subarray(itemBytes * index, itemBytes * (index + 1)),
  );
}
