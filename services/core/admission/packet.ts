import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { z } from 'zod';
import { type Address, concat, fromHex, type Hash } from '../bytes.ts';
import { hashSchema, uintSchema } from '../schemas.ts';

/** What an authenticator checks, in this order. */
export const checks = ['manifest', 'hashing', 'memory', 'disk-write', 'disk-read'] as const;

/** See {@link checks}. */
export type Check = (typeof checks)[number];

/** Bounds of the work that an authenticator may ask for: a candidate refuses more. */
export const workLimits = {
  packets: 16,
  checkpoints: 256,
  iterations: 2 ** 31,
  memoryMiB: 2_048,
  passes: 64,
  diskMiB: 1_024,
  windowMs: 600_000,
} as const;

const common = {
  /** From 0, one after the other. */
  index: uintSchema.max(workLimits.packets - 1),
  /** Fresh for each packet, 32 bytes. */
  nonce: hashSchema,
  /** From when the authenticator sends the packet to when it has the answer. */
  windowMs: uintSchema.max(workLimits.windowMs),
};

/** One piece of work, and what binds its answer (see {@link seedOf}). */
export const packetSchema = z.discriminatedUnion('check', [
  /** The seed itself is the answer. */
  z.strictObject({ ...common, check: z.literal('manifest') }),
  /**
   * Stretches of `checkpointEvery` SHA-256 each, of the one before; the first of a stretch is over the end of the stretch before
   * and the seed (see `stretchStart`). The end of each stretch is the answer.
   */
  z.strictObject({
    ...common,
    check: z.literal('hashing'),
    checkpoints: uintSchema.min(1).max(workLimits.checkpoints),
    checkpointEvery: uintSchema.min(1).max(workLimits.iterations),
  }),
  /** scrypt of scrypt of … of the seed, with the seed for salt each time (see {@link scryptCost}); each value is the answer. */
  z.strictObject({
    ...common,
    check: z.literal('memory'),
    memoryMiB: uintSchema.min(1).max(workLimits.memoryMiB),
    passes: uintSchema.min(1).max(workLimits.passes),
  }),
  /** So many mebibytes of AES-128-CTR under the seed's first 16 bytes, from counter 0, written and forced to disk. The seed is the answer. */
  z.strictObject({
    ...common,
    check: z.literal('disk-write'),
    mebibytes: uintSchema.min(1).max(workLimits.diskMiB),
  }),
  /** What was written before, read back: HMAC-SHA256 of each mebibyte under this packet's seed. */
  z.strictObject({ ...common, check: z.literal('disk-read') }),
]);

/** See {@link packetSchema}. */
export type Packet = z.infer<typeof packetSchema>;

/** A packet of one check. */
export type PacketOf<C extends Check> = Extract<Packet, { check: C }>;

/** What a candidate answers a packet with. */
export const answerSchema = z.strictObject({
  index: common.index,
  values: z.array(hashSchema).min(1).max(workLimits.diskMiB),
});

/** See {@link answerSchema}. */
export type Answer = z.infer<typeof answerSchema>;

/**
 * What the work of a packet starts from: HMAC-SHA256 under the nonce of manifest, candidate and index. So an answer cannot be
 * made before the packet, nor by the manifest's hash alone, and serves nobody else.
 */
export function seedOf(packet: Pick<Packet, 'nonce' | 'index'>, manifest: Uint8Array, candidate: Address): Uint8Array {
  const index = Uint8Array.of(0, 0, 0, packet.index);
  return hmac(sha256, fromHex(packet.nonce), concat(manifest, fromHex(candidate), index));
}

/** How many values the whole answer has. `written` is the size of the disk check in mebibytes. */
export function answerLength(packet: Packet, written: number): number {
  if (packet.check === 'hashing') return packet.checkpoints;
  if (packet.check === 'memory') return packet.passes;
  if (packet.check === 'disk-read') return written;
  return 1;
}

/** scrypt's parameters for a size: N is the greatest power of two that the size has room for, with r = 8 and p = 1. */
export function scryptCost(memoryMiB: number): { readonly N: number; readonly r: 8; readonly p: 1 } {
  return { N: 1024 * 2 ** Math.floor(Math.log2(memoryMiB)), r: 8, p: 1 };
}

/** An answer as the wire has it, for a packet. */
export const answerTo = ({ index }: Pick<Packet, 'index'>, values: readonly Hash[]): Answer => ({
  index,
  values: [...values],
});
