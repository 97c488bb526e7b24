import { expect } from 'chai';
import fc from 'fast-check';
import { concat, hexDigits, utf8 } from '../../../../services/core/bytes.ts';
import { appendLeaves, emptyFrontier, rootOf } from '../../../../services/core/log/compactRange.ts';
import { decodeEntries } from '../../../../services/core/log/entryBundle.ts';
import {
  edgeFrontier,
  emptyEdge,
  growTiles,
  type LeafBatch,
  readEdge,
  TileGrower,
} from '../../../../services/core/log/growTiles.ts';
import { memoryTree } from '../../../../services/core/log/memoryTree.ts';
import { consistencyProof, inclusionProver, rootFromNodes } from '../../../../services/core/log/proof.ts';
import { parseTilePath, pathOf, tilePath, tilesOf, tilesToWrite } from '../../../../services/core/log/tile.ts';
import { tileNodeReader } from '../../../../services/core/log/tileReader.ts';
import { verifyConsistency } from '../../../../services/core/log/verifyProof.ts';
import { leafHash } from '../../../../services/core/sha256.ts';

const most = 65_536 + 300;
const allEntries = Array.from({ length: most }, (_, index) => utf8(`entry ${index}`));
const allLeaves = concat(...allEntries.map((entry) => leafHash(entry)));
const batch = (from: number, to: number): LeafBatch => ({
  entries: allEntries.slice(from, to),
  leafHashes: allLeaves.subarray(32 * from, 32 * to),
});
const rootAt = (size: number): string =>
  hexDigits(rootOf(appendLeaves(emptyFrontier, allLeaves.subarray(0, 32 * size))));

/** All files of a log that was written in one go. */
function filesOf(size: number): Map<string, Uint8Array> {
  return new Map(growTiles(emptyEdge, [batch(0, size)]));
}

const borders = [1, 2, 3, 7, 8, 128, 255, 256, 257, 511, 512, 513, 1000, 65_535, 65_536, 65_537];

describe('core/log/growTiles', () => {
  for (const size of borders) {
    it(`writes exactly the tiles of a log of ${size}, from which root, edge and proofs follow`, async () => {
      const files = filesOf(size);
      expect([...files.keys()]).to.have.members([...tilesOf(size)].map(pathOf));
      for (const [path, bytes] of files) {
        const tile = parseTilePath(path)!;
        if (tile.level !== 'entries') expect(bytes.length, path).to.equal(32 * tile.width);
        else expect(decodeEntries(bytes)).to.have.length(tile.width);
      }
      const frontier = edgeFrontier(await readEdge(size, (path) => files.get(path)!));
      expect(frontier.size).to.equal(size);
      expect(hexDigits(rootOf(frontier))).to.equal(rootAt(size));

      const read = tileNodeReader((level, index, width) => files.get(tilePath(level, index, width))!, size);
      expect(hexDigits(await rootFromNodes(size, read))).to.equal(rootAt(size));
      const tree = memoryTree(allLeaves.subarray(0, 32 * size));
      const prove = inclusionProver(size, read);
      const step = Math.max(1, Math.floor(size / 97));
      for (let index = 0; index < size; index += step) {
        expect((await prove(index)).map(hexDigits)).to.deep.equal(tree.path(index).map(hexDigits));
      }
      expect((await prove(size - 1)).map(hexDigits)).to.deep.equal(tree.path(size - 1).map(hexDigits));
    });
  }

  it('writes the same files however it grows, and gives the tiles that growth needs', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 6 }), (counts) => {
        let edge = emptyEdge;
        const files = new Map<string, Uint8Array>();
        for (const count of counts) {
          const from = edge.size;
          const growth = growTiles(edge, [batch(from, from + count)]);
          const written: string[] = [];
          for (let next = growth.next(); ; next = growth.next()) {
            if (next.done) {
              edge = next.value;
              break;
            }
            written.push(next.value[0]);
            files.set(...(next.value as [string, Uint8Array]));
          }
          const needed = [...tilesToWrite(from, from + count)].map(pathOf);
          expect(written).to.include.members(needed);
        }
        for (const [path, bytes] of filesOf(edge.size)) expect(hexDigits(files.get(path)!)).to.equal(hexDigits(bytes));
      }),
      { numRuns: 30 },
    );
  });

  it('goes on from an edge that was read back', async () => {
    for (const [from, to] of [
      [255, 257],
      [256, 700],
      [65_535, 65_540],
      [65_536, 65_800],
    ] as const) {
      const files = filesOf(from);
      const edge = await readEdge(from, async (path) => files.get(path)!);
      for (const [path, bytes] of growTiles(edge, [batch(from, to)])) files.set(path, bytes);
      for (const [path, bytes] of filesOf(to)) expect(hexDigits(files.get(path)!), path).to.equal(hexDigits(bytes));
    }
  });

  it('refuses an edge or a batch whose parts do not fit', async () => {
    expect(() => new TileGrower({ ...emptyEdge, size: 1 })).to.throw(RangeError);
    expect(() => new TileGrower({ size: 1, entries: [utf8('a')], levels: [] })).to.throw(RangeError);
    expect(() => new TileGrower({ size: 1, entries: [utf8('a')], levels: [new Uint8Array(64)] })).to.throw(RangeError);
    expect(() => [...new TileGrower().append({ entries: [utf8('a')], leafHashes: new Uint8Array(0) })]).to.throw(
      RangeError,
    );
    const code = await readEdge(3, () => new Uint8Array(1)).catch((error) => error.code);
    expect(code).to.equal('tile-corrupt');
  });
});

describe('core/log/tileReader', () => {
  it('proves consistency between any two sizes, from tiles that have grown on', async () => {
    const size = 65_800;
    const files = filesOf(size);
    // A reader for an older size gets the full tile where its partial one is gone.
    const widest = (level: number, index: number): Uint8Array =>
      [...files].find(([path]) => path.startsWith(tilePath(level, index)))![1];
    for (const [from, to] of [
      [1, 2],
      [255, 256],
      [256, 257],
      [300, 65_800],
      [65_535, 65_537],
      [65_536, 65_800],
      [777, 65_535],
    ] as const) {
      const read = tileNodeReader(async (level, index) => widest(level, index), to, { cachedTiles: 3 });
      const proof = await consistencyProof(from, to, read);
      const roots = [from, to].map((at) => Buffer.from(rootAt(at), 'hex'));
      expect(verifyConsistency(from, to, roots[0]!, roots[1]!, proof), `${from} ${to}`).to.equal(true);
    }
  });

  it('reads a tile once while it keeps it, and again after a failure', async () => {
    const files = filesOf(600);
    let reads = 0;
    let fails = true;
    const read = tileNodeReader(async (level, index, width) => {
      reads++;
      if (fails) throw new Error('no disk');
      return files.get(tilePath(level, index, width))!;
    }, 600);
    expect(await Promise.resolve(read(0, 0)).catch((error: Error) => error.message)).to.equal('no disk');
    fails = false;
    await Promise.all([read(0, 0), read(3, 1), read(7, 1)]);
    expect(read(2, 2)).to.be.instanceOf(Uint8Array);
    expect(reads).to.equal(2);
  });

  it('names a tile that is too short, and refuses nodes that are not in the log', async () => {
    const short = tileNodeReader(() => new Uint8Array(32), 600);
    expect(() => short(0, 300))
      .to.throw()
      .that.includes({ code: 'tile-corrupt' })
      .and.deep.include({ data: { path: 'tile/0/001', have: 32, want: 8192 } });
    const read = tileNodeReader((_level, _index, width) => new Uint8Array(32 * width), 600);
    for (const [level, index] of [
      [0, 600],
      [3, 75],
      [9, 1],
      [10, 0],
    ]) {
      expect(() => read(level!, index!), `${level} ${index}`).to.throw(RangeError);
    }
  });
});
