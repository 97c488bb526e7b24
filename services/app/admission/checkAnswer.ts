import { type Cipheriv, createCipheriv, createHmac, randomInt, scrypt, timingSafeEqual } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { hashTimes, stretchStart } from '../../core/admission/hashChain.ts';
import { type Answer, answerLength, type Packet, type PacketOf, scryptCost } from '../../core/admission/packet.ts';
import { fromHex, type Hash } from '../../core/bytes.ts';
import type { Crypto } from '../../core/crypto.ts';
import { NotariumError } from '../../core/errors.ts';
import { inTurns } from './inTurns.ts';

/** How many places of an answer are done again, chosen when it is here. */
const checkedStretches = 16;
const checkedPasses = 2;
const checkedMebibytes = 4;

/** Longest time on the main thread between two looks at what else there is to do. */
const sliceMs = 5;
const hashesBetweenLooks = 512;

const mebibyte = 1 << 20;
const blocksInMebibyte = mebibyte / 16;
/** Done between two looks at what else there is to do. */
const pieceBytes = mebibyte / 8;

/** A packet as it was sent; of one that reads, also the one whose data it reads. */
export type SentPacket = {
  readonly packet: Packet;
  /** `seedOf` the packet. */
  readonly seed: Uint8Array;
  readonly written?: { readonly packet: PacketOf<'disk-write'>; readonly seed: Uint8Array };
};

/**
 * Checks an answer without doing all of the work again.
 * @throws NotariumError `answer-incomplete` with data { check, have, want } (numbers of values) or { check, index };
 *   `manifest-unproven`; `answer-wrong` with data { check, at }.
 */
export async function checkAnswer(sent: SentPacket, answer: Answer, { sha256 }: Pick<Crypto, 'sha256'>): Promise<void> {
  const { packet, seed } = sent;
  const { check } = packet;
  if (answer.index !== packet.index) {
    throw new NotariumError('answer-incomplete', `of packet ${answer.index}, where ${packet.index} was asked for`, {
      data: { check, index: packet.index },
    });
  }
  const want = answerLength(packet, sent.written?.packet.mebibytes ?? 0);
  const { values } = answer;
  if (values.length !== want) {
    const data = { check, have: values.length, want };
    throw new NotariumError('answer-incomplete', `${values.length} values of ${want}`, { data });
  }
  switch (packet.check) {
    case 'manifest':
      if (!isSame(values[0]!, seed)) throw new NotariumError('manifest-unproven', undefined, { data: { check } });
      return;
    case 'hashing':
      return await checkHashing(packet, seed, values, sha256);
    case 'memory':
      return await checkMemory(packet, seed, values);
    case 'disk-write':
      return requireSame(packet, 0, values[0]!, seed);
    case 'disk-read':
      return await checkRead(packet, { seed, written: sent.written! }, values);
  }
}

async function checkHashing(
  packet: PacketOf<'hashing'>,
  seed: Uint8Array,
  values: readonly Hash[],
  sha256: Crypto['sha256'],
): Promise<void> {
  for (const at of someOf(values.length, checkedStretches)) {
    let value = stretchStart(valueBefore(values, at, seed), seed);
    let sinceMs = performance.now();
    for (let left = packet.checkpointEvery; left > 0; left -= hashesBetweenLooks) {
      value = hashTimes(value, Math.min(left, hashesBetweenLooks), sha256);
      if (performance.now() - sinceMs < sliceMs) continue;
      await nextTurn();
      sinceMs = performance.now();
    }
    requireSame(packet, at, values[at]!, value);
    await nextTurn();
  }
}

// One at a time in the process, in threads of Node's own: each holds as much memory as the rules ask of a candidate.
const scryptTurns = inTurns();

async function checkMemory(packet: PacketOf<'memory'>, seed: Uint8Array, values: readonly Hash[]): Promise<void> {
  const { N, r, p } = scryptCost(packet.memoryMiB);
  // What OpenSSL counts beside the table.
  const maxmem = 128 * r * (N + p) + mebibyte;
  for (const at of someOf(values.length, checkedPasses)) {
    const value = await scryptTurns(
      () =>
        new Promise<Uint8Array>((resolve, reject) => {
          scrypt(valueBefore(values, at, seed), seed, 32, { N, r, p, maxmem }, (error, key) =>
            error ? reject(error) : resolve(key),
          );
        }),
    );
    requireSame(packet, at, values[at]!, value);
  }
}

async function checkRead(
  packet: PacketOf<'disk-read'>,
  { seed, written }: { readonly seed: Uint8Array; readonly written: NonNullable<SentPacket['written']> },
  values: readonly Hash[],
): Promise<void> {
  for (const at of someOf(values.length, checkedMebibytes)) {
    const value = createHmac('sha256', seed);
    const data = mebibyteAt(written.seed, at);
    for (let done = 0; done < mebibyte; done += pieceBytes) {
      value.update(data.update(new Uint8Array(pieceBytes)));
      await nextTurn();
    }
    requireSame(packet, at, values[at]!, value.digest());
  }
}

/** What the disk check has from a place on: AES-128-CTR under the seed's first half, its counter from 0 at the first mebibyte. */
function mebibyteAt(seed: Uint8Array, at: number): Cipheriv {
  const counter = Buffer.alloc(16);
  counter.writeUInt32BE(at * blocksInMebibyte, 12);
  return createCipheriv('aes-128-ctr', seed.subarray(0, 16), counter);
}

/** What the step to a value starts from. */
function valueBefore(values: readonly Hash[], at: number, seed: Uint8Array): Uint8Array {
  return at === 0 ? seed : fromHex(values[at - 1]!);
}

function requireSame({ check }: Packet, at: number, have: Hash, want: Uint8Array): void {
  if (isSame(have, want)) return;
  throw new NotariumError('answer-wrong', `value ${at + 1}`, { data: { check, at } });
}

function isSame(have: Hash, want: Uint8Array): boolean {
  return timingSafeEqual(fromHex(have), want);
}

/** So many different places below a number, each set as likely as any other. */
function someOf(length: number, count: number): Set<number> {
  const places = new Set<number>();
  while (places.size < Math.min(count, length)) places.add(randomInt(length));
  return places;
}
