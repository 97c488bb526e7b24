import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect } from 'chai';
import fc from 'fast-check';
import { toHex } from '../../../../services/core/bytes.ts';
import { openSealedFile, type SealedSummary, sealFile } from '../../../../services/lib/activities/sealedFile.ts';
import type { SealedFile } from '../../../../services/lib/readSealed.ts';
import { chunkBytes, chunkExtraBytes, sealedHeaderBytes } from '../../../../services/lib/sealed.ts';
import { expectCode } from '../../../support/expectCode.ts';

const sealedChunk = chunkBytes + chunkExtraBytes;
const sha256 = (bytes: Uint8Array) => toHex(createHash('sha256').update(bytes).digest());

async function sealed(content: Uint8Array, pieceBytes = 10_000): Promise<{ bytes: Buffer; summary: SealedSummary }> {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < content.length; at += pieceBytes) parts.push(content.subarray(at, at + pieceBytes));
  const sealing = sealFile(parts);
  const bytes = await buffer(sealing.sealed);
  return { bytes, summary: sealing.summary() };
}

/** Claims the whole size whatever it can give, as a broken disk or a member that lies would. */
const fileOf = (bytes: Uint8Array, sizeBytes = bytes.length): SealedFile => ({
  sizeBytes,
  read: async (start, length) => Readable.from([bytes.subarray(start, start + length)]),
});

const open = (bytes: Uint8Array, summary: SealedSummary, range?: { start?: number; sizeBytes?: number }) =>
  buffer(openSealedFile(fileOf(bytes), summary, range));

describe('attachments, sealed', () => {
  const sizes = [0, 1, chunkBytes - 1, chunkBytes, chunkBytes + 1, 3 * chunkBytes, 3 * chunkBytes + 77];

  it('come back as they were, with the digests of both forms', async () => {
    for (const size of sizes) {
      const content = randomBytes(size);
      const { bytes, summary } = await sealed(content);
      expect(summary, `${size}`).to.include({
        sizeBytes: size,
        digest: sha256(content),
        sealedBytes: bytes.length,
        sealedDigest: sha256(bytes),
      });
      expect((await open(bytes, summary)).equals(content), `${size} bytes`).to.equal(true);
    }
  });

  it('have another key and other bytes each time', async () => {
    const content = Buffer.alloc(100_000, 7);
    const [a, b] = [await sealed(content), await sealed(content)];
    expect(a.summary.key).not.to.equal(b.summary.key);
    expect(a.bytes.indexOf(Buffer.alloc(32, 7))).to.equal(-1);
    expect(a.summary.sealedDigest).not.to.equal(b.summary.sealedDigest);
    await expectCode('attachment-corrupt', open(a.bytes, { ...a.summary, key: b.summary.key }));
  });

  it('give any range', async () => {
    const content = randomBytes(3 * chunkBytes + 77);
    const { bytes, summary } = await sealed(content);
    const range = fc.tuple(fc.nat(content.length), fc.nat(content.length));
    await fc.assert(
      fc.asyncProperty(range, async ([a, b]) => {
        const [start, end] = [Math.min(a, b), Math.max(a, b)];
        const got = await open(bytes, summary, { start, sizeBytes: end - start });
        expect(got.equals(content.subarray(start, end))).to.equal(true);
      }),
      { numRuns: 50 },
    );
    expect((await open(bytes, summary, { start: 2 * chunkBytes })).equals(content.subarray(2 * chunkBytes))).to.equal(
      true,
    );
    for (const [start, sizeBytes] of [
      [-1, 2],
      [0, content.length + 1],
      [content.length + 1, 0],
      [0.5, 1],
    ] as const) {
      await expectCode('request-range-invalid', open(bytes, summary, { start, sizeBytes }));
    }
  });

  it('read only what a range needs', async () => {
    const { bytes, summary } = await sealed(randomBytes(10 * chunkBytes));
    const reads: number[] = [];
    const file: SealedFile = {
      sizeBytes: bytes.length,
      read: async (start, length) => {
        reads.push(length);
        return Readable.from([bytes.subarray(start, start + length)]);
      },
    };
    await buffer(openSealedFile(file, summary, { start: 5 * chunkBytes + 3, sizeBytes: 10 }));
    expect(reads).to.deep.equal([sealedHeaderBytes, sealedChunk]);
  });

  describe('refuse', () => {
    let content: Buffer;
    let bytes: Buffer;
    let summary: SealedSummary;
    before(async () => {
      content = randomBytes(4 * chunkBytes + 100);
      ({ bytes, summary } = await sealed(content));
    });
    const chunkAt = (index: number) => sealedHeaderBytes + index * sealedChunk;
    const chunk = (index: number) => bytes.subarray(chunkAt(index), chunkAt(index + 1));

    it('a changed byte, wherever it is', async () => {
      const places = [0, 20, sealedHeaderBytes, chunkAt(1) + 5, chunkAt(2) - 1, chunkAt(4) + 30];
      for (const place of places) {
        const changed = Buffer.from(bytes);
        changed[place]! ^= 1;
        await expectCode('attachment-corrupt', open(changed, summary));
      }
    });

    it('pieces in another order, doubled, or of another file', async () => {
      const swapped = Buffer.concat([bytes.subarray(0, chunkAt(1)), chunk(2), chunk(1), bytes.subarray(chunkAt(3))]);
      await expectCode('attachment-corrupt', open(swapped, summary));
      const doubled = Buffer.concat([bytes.subarray(0, chunkAt(1)), chunk(0), bytes.subarray(chunkAt(2))]);
      await expectCode('attachment-corrupt', open(doubled, summary));
      const other = (await sealed(randomBytes(content.length))).bytes;
      const mixed = Buffer.concat([
        bytes.subarray(0, chunkAt(1)),
        other.subarray(chunkAt(1), chunkAt(2)),
        bytes.subarray(chunkAt(2)),
      ]);
      await expectCode('attachment-corrupt', open(mixed, summary));
    });

    it('what was cut, also between two pieces and by who lies about its size', async () => {
      const middleOut = Buffer.concat([bytes.subarray(0, chunkAt(3)), bytes.subarray(chunkAt(4))]);
      const cuts = [bytes.subarray(0, chunkAt(4) + 99), bytes.subarray(0, chunkAt(3)), middleOut, Buffer.alloc(0)];
      for (const cut of cuts) {
        await expectCode('attachment-corrupt', open(cut, summary));
        await expectCode('attachment-corrupt', buffer(openSealedFile(fileOf(cut, bytes.length), summary)));
      }
      // Without the sum at its end, which the store checks.
      await expectCode('attachment-corrupt', open(bytes.subarray(0, -1), summary));
      // A range ends where the stream of a liar does.
      const short = fileOf(bytes.subarray(0, chunkAt(2)), bytes.length);
      await expectCode(
        'attachment-corrupt',
        buffer(openSealedFile(short, summary, { start: 0, sizeBytes: 3 * chunkBytes })),
      );
      const shorter = { ...summary, sizeBytes: 3 * chunkBytes, sealedBytes: chunkAt(3) + 32 };
      await expectCode('attachment-corrupt', open(bytes.subarray(0, chunkAt(3) + 32), shorter));
    });

    it('what the sender says wrongly of it', async () => {
      await expectCode('attachment-corrupt', open(bytes, { ...summary, digest: sha256(bytes) }));
      await expectCode('attachment-corrupt', open(bytes, { ...summary, sizeBytes: summary.sizeBytes - 1 }));
      await expectCode('attachment-corrupt', open(bytes, { ...summary, sealedBytes: summary.sealedBytes - 1 }));
    });
  });

  it('hand on what the source throws, and say nothing of half a file', async () => {
    const sealing = sealFile(
      (async function* () {
        yield randomBytes(2 * chunkBytes);
        throw new Error('the disk is gone');
      })(),
    );
    expect(() => sealing.summary()).to.throw('not been read to its end');
    const thrown = await buffer(sealing.sealed).catch((error: Error) => error.message);
    expect(thrown).to.equal('the disk is gone');
    expect(() => sealing.summary()).to.throw('not been read to its end');
  });

  it('hold no more than a piece back, however large the file is', async () => {
    const piece = randomBytes(1 << 20);
    let taken = 0;
    const sealing = sealFile(
      (function* () {
        for (let count = 0; count < 64; count++) {
          taken += piece.length;
          yield piece;
        }
      })(),
    );
    let given = 0;
    let most = 0;
    for await (const part of sealing.sealed) {
      most = Math.max(most, taken - given);
      given += part.length;
    }
    expect(sealing.summary()).to.include({ sizeBytes: 64 << 20, sealedBytes: given });
    expect(most).to.be.at.most(piece.length + 2 * chunkBytes);
  });
});
