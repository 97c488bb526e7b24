import { createHash, hash } from 'node:crypto';
import { aggregateRoot } from '../../services/core/aggregate.ts';
import { concat, toHex } from '../../services/core/bytes.ts';
import { encodePackList } from '../../services/core/channels/pack.ts';
import { memorySource } from '../../services/lib/client/channels/uploadSource.ts';
import type { BenchItem } from './benchRequester.ts';

const itemBytes = 200;
// As files are read.
const pieceBytes = 256 * 1024;

/** A small content that no other name gives. */
export function contentItem(name: string): BenchItem {
  const content = Buffer.from(name.padEnd(itemBytes));
  const digest = toHex(hash('sha256', content, 'buffer'));
  return { kind: 'content', source: memorySource(content), digest, count: 1 };
}

/** The small contents of a pack; making them is not what is measured. */
export function contents(name: string, count: number): Buffer[] {
  return Array.from({ length: count }, (_, index) => Buffer.from(`${name} ${index}`.padEnd(itemBytes)));
}

/** Hashes contents, and puts them together as a requester does. */
export function packItem(all: readonly Buffer[]): BenchItem {
  const members = all.map((content) => ({ digest: hash('sha256', content, 'buffer'), sizeBytes: content.length }));
  const digest = toHex(aggregateRoot(concat(...members.map((member) => member.digest))));
  const pack = concat(encodePackList(members), ...all);
  return { kind: 'pack', source: memorySource(pack), digest, count: all.length };
}

/** A list of the digests alone: what they are of stays elsewhere. */
export function listItem(all: readonly Buffer[]): BenchItem {
  const digests = concat(...all.map((content) => hash('sha256', content, 'buffer')));
  const digest = toHex(aggregateRoot(digests));
  return { kind: 'digests', source: memorySource(digests), digest, count: all.length };
}

/**
 * One content that is made while it is read, and hashed beforehand as a file is.
 * @param onPlace Told how far it was read, before each piece.
 */
export function streamItem(sizeBytes: number, onPlace: (at: number) => void): BenchItem {
  const piece = Buffer.alloc(pieceBytes, `a stream of ${sizeBytes} bytes `);
  const pieceAt = (at: number): Buffer => {
    // Each piece is another one.
    piece.writeDoubleLE(at, 0);
    return Buffer.from(piece.subarray(0, Math.min(pieceBytes, sizeBytes - at)));
  };
  const sum = createHash('sha256');
  for (let at = 0; at < sizeBytes; at += pieceBytes) sum.update(pieceAt(at));
  const source = {
    sizeBytes,
    async *read(start: number): AsyncGenerator<Uint8Array, void, void> {
      for (let at = start; at < sizeBytes; ) {
        onPlace(at);
        const whole = pieceBytes * Math.floor(at / pieceBytes);
        const next = pieceAt(whole).subarray(at - whole);
        yield next;
        at += next.length;
      }
    },
  };
  return { kind: 'content', source, digest: toHex(sum.digest()), count: 1 };
}
