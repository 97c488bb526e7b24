import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Environment of a process of which {@link readTap} is to read what goes over its noise connections. */
export function tapInto(folder: string): Record<string, string> {
  const preload = pathToFileURL(join(import.meta.dirname, 'tapNoise.ts')).href;
  return { NOTARIUM_TEST_TAP: folder, NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import=${preload}` };
}

/** One direction of one libp2p stream, decrypted. */
export type TappedStream = {
  readonly direction: 'in' | 'out';
  /** As it was negotiated; empty for what is none. */
  readonly protocol: string;
  /** All bytes, without the negotiation. */
  readonly bytes: Buffer;
  /** Frames of a request or an answer, messages of gossip; of anything else, all of it. */
  readonly parts: readonly Buffer[];
};

/** What a process has seen and said over noise, and what of it came as streams. */
export type Tap = { readonly raw: readonly Buffer[]; readonly streams: readonly TappedStream[] };

/** Reads what the process has written so far. */
export async function readTap(folder: string): Promise<Tap> {
  const raw: Buffer[] = [];
  const streams: TappedStream[] = [];
  for (const name of await readdir(folder)) {
    const bytes = await readFile(join(folder, name));
    raw.push(bytes);
    const direction = name.endsWith('.in') ? 'in' : 'out';
    for (const stream of streamsOf(bytes)) streams.push(streamOf(direction, stream));
  }
  return { raw, streams };
}

/** Splits the frames of yamux (hashicorp/yamux, spec.md): 12 bytes of header, the payload of those that carry data. */
function streamsOf(bytes: Buffer): Iterable<Buffer> {
  const parts = new Map<number, Buffer[]>();
  let { at } = negotiation(bytes);
  while (at + 12 <= bytes.length) {
    const [version, type] = [bytes[at], bytes[at + 1]];
    if (version !== 0 || type! > 3) break;
    const id = bytes.readUInt32BE(at + 4);
    const length = type === 0 ? bytes.readUInt32BE(at + 8) : 0;
    at += 12;
    if (type === 0) parts.set(id, [...(parts.get(id) ?? []), bytes.subarray(at, at + length)]);
    at += length;
  }
  return parts.values().map((some) => Buffer.concat(some));
}

/** Skips the lines of multistream-select: each with its length before it. */
function negotiation(bytes: Buffer): { at: number; protocol: string } {
  let at = 0;
  let protocol = '';
  for (;;) {
    const { value, size } = varint(bytes, at);
    const line = bytes.subarray(at + size, at + size + value);
    if (value === 0 || line.length < value || line.at(-1) !== 10 || (line[0] !== 47 && line[0] !== 110)) break;
    if (line[0] === 47 && !line.includes('/multistream/')) protocol = line.subarray(0, -1).toString();
    at += size + value;
  }
  return { at, protocol };
}

function streamOf(direction: 'in' | 'out', stream: Buffer): TappedStream {
  const { at, protocol } = negotiation(stream);
  const bytes = stream.subarray(at);
  if (protocol.startsWith('/meshsub/')) return { direction, protocol, bytes, parts: split(bytes, gossipPart) };
  return { direction, protocol, bytes, parts: split(bytes, framePart) };
}

type Part = { readonly from: number; readonly to: number } | undefined;

function split(bytes: Buffer, partAt: (bytes: Buffer, at: number) => Part): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const part = partAt(bytes, at);
    // Another form, or cut off at the end: one part, whatever it is.
    if (!part || part.to > bytes.length) return [...parts, bytes.subarray(at)];
    parts.push(bytes.subarray(part.from, part.to));
    at = part.to;
  }
  return parts;
}

function gossipPart(bytes: Buffer, at: number): Part {
  const { value, size } = varint(bytes, at);
  return { from: at + size, to: at + size + value };
}

/** As services/net/frames.ts has them. */
function framePart(bytes: Buffer, at: number): Part {
  if (bytes[at]! > 3 || at + 5 > bytes.length) return undefined;
  return { from: at + 5, to: at + 5 + bytes.readUInt32BE(at + 1) };
}

function varint(bytes: Buffer, at: number): { value: number; size: number } {
  let value = 0;
  for (let size = 0; size < 4; size++) {
    const byte = bytes[at + size] ?? 0;
    value += (byte & 127) * 128 ** size;
    if (byte < 128) return { value, size: size + 1 };
  }
  return { value: 0, size: 1 };
}
