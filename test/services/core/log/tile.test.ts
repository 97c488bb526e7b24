import { expect } from 'chai';
import fc from 'fast-check';
import { hexDigits, utf8 } from '../../../../services/core/bytes.ts';
import { isNotariumError } from '../../../../services/core/errors.ts';
import { decodeEntries, encodeEntries } from '../../../../services/core/log/entryBundle.ts';
import {
  entriesPath,
  parseTilePath,
  pathOf,
  placeOf,
  type Tile,
  tilePath,
  tilesOf,
  tilesToWrite,
  widthOf,
} from '../../../../services/core/log/tile.ts';

const paths = (tiles: Iterable<Tile>): string[] => [...tiles].map(pathOf);

describe('core/log/tile', () => {
  it('writes paths as C2SP tlog-tiles says', () => {
    expect(tilePath(0, 0)).to.equal('tile/0/000');
    expect(tilePath(0, 1234067)).to.equal('tile/0/x001/x234/067');
    expect(tilePath(63, 999, 255)).to.equal('tile/63/999.p/255');
    expect(tilePath(0, 1234, 5)).to.equal('tile/0/x001/234.p/5');
    expect(entriesPath(1000)).to.equal('tile/entries/x001/000');
    expect(entriesPath(7, 1)).to.equal('tile/entries/007.p/1');
    expect(tilePath(1, 256, 256)).to.equal('tile/1/256');
    for (const width of [0, 257, 1.5]) expect(() => tilePath(0, 0, width)).to.throw(RangeError);
    expect(() => tilePath(0, -1)).to.throw(RangeError);
    expect(() => tilePath(-1, 0)).to.throw(RangeError);
  });

  it('reads back every path that it writes', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.integer({ min: 0, max: 63 }), fc.constant('entries' as const)),
        fc.maxSafeNat(),
        fc.integer({ min: 1, max: 256 }),
        (level, index, width) => {
          expect(parseTilePath(pathOf({ level, index, width }))).to.deep.equal({ level, index, width });
        },
      ),
    );
  });

  it('reads no other path', () => {
    for (const path of [
      '',
      'tile/0/0',
      'tile/0/1234',
      'tile/0/x000/001',
      'tile/00/000',
      'tile/64/000',
      'tile/0/x001/x234/067/',
      '/tile/0/000',
      'tile/0/000.p/0',
      'tile/0/000.p/256',
      'tile/0/000.p/999',
      'tile/0/000.p/01',
      'tile/0/000.p/',
      'tile/0/000\n',
      'tile/entries/../000',
      'tile/data/000',
      'tile/0/x999/x999/x999/x999/x999/999',
      'tile/0/x001/x000/x000/x000/x000/x000/000',
    ]) {
      expect(parseTilePath(path), path).to.equal(undefined);
    }
  });

  it('lists the tiles of a log', () => {
    expect(paths(tilesOf(0))).to.deep.equal([]);
    expect(paths(tilesOf(1))).to.deep.equal(['tile/entries/000.p/1', 'tile/0/000.p/1']);
    expect(paths(tilesOf(256))).to.deep.equal(['tile/entries/000', 'tile/0/000', 'tile/1/000.p/1']);
    expect(paths(tilesOf(513))).to.deep.equal([
      'tile/entries/000',
      'tile/entries/001',
      'tile/entries/002.p/1',
      'tile/0/000',
      'tile/0/001',
      'tile/0/002.p/1',
      'tile/1/000.p/2',
    ]);
    const large = paths(tilesOf(65_536));
    expect(large).to.have.length(256 + 256 + 1 + 1);
    expect(large.slice(-2)).to.deep.equal(['tile/1/000', 'tile/2/000.p/1']);
  });

  it('lists what to write when a log grows: what it has then and had not before', () => {
    const size = fc.oneof(fc.integer({ min: 0, max: 1200 }), fc.integer({ min: 65_300, max: 65_800 }));
    fc.assert(
      fc.property(size, size, (a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const before = new Set(paths(tilesOf(from)));
        expect(paths(tilesToWrite(from, to))).to.have.members(paths(tilesOf(to)).filter((path) => !before.has(path)));
      }),
    );
    expect(() => [...tilesToWrite(2, 1)]).to.throw(RangeError);
  });

  it('knows the width of a tile and the place of a node', () => {
    expect([0, 1, 2, 3].map((index) => widthOf(0, index, 600))).to.deep.equal([256, 256, 88, 0]);
    expect(widthOf('entries', 2, 600)).to.equal(88);
    expect(widthOf(1, 0, 600)).to.equal(2);
    expect(placeOf(0, 700)).to.deep.equal({ tileLevel: 0, tileIndex: 2, height: 0, position: 188 });
    expect(placeOf(7, 5)).to.deep.equal({ tileLevel: 0, tileIndex: 2, height: 7, position: 1 });
    expect(placeOf(8, 300)).to.deep.equal({ tileLevel: 1, tileIndex: 1, height: 0, position: 44 });
  });
});

describe('core/log/entryBundle', () => {
  it('gives back the entries', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 600 }), { maxLength: 256 }), (entries) => {
        expect(decodeEntries(encodeEntries(entries)).map(hexDigits)).to.deep.equal(entries.map(hexDigits));
      }),
      { numRuns: 50 },
    );
    const large = new Uint8Array(16 * 1024).fill(7);
    expect(decodeEntries(encodeEntries([large, utf8('x')])).map(({ length }) => length)).to.deep.equal([16384, 1]);
  });

  it('has the length in two bytes, the higher first', () => {
    expect(hexDigits(encodeEntries([utf8('ab'), new Uint8Array(0)]))).to.equal('000261620000');
    expect(hexDigits(encodeEntries([new Uint8Array(258)]).subarray(0, 2))).to.equal('0102');
  });

  it('refuses bytes that are no bundle', () => {
    const bundle = encodeEntries([utf8('abc'), utf8('de')]);
    for (const end of [1, 3, 4, 6, 8]) {
      expect(() => decodeEntries(bundle.subarray(0, end)), String(end))
        .to.throw()
        .that.satisfies((error: unknown) => isNotariumError(error, 'tile-corrupt'));
    }
    expect(() => decodeEntries(new Uint8Array(2 * 257)))
      .to.throw()
      .that.satisfies((error: unknown) => isNotariumError(error, 'tile-corrupt'));
    expect(() => encodeEntries(Array.from({ length: 257 }, () => utf8('')))).to.throw(RangeError);
    expect(() => encodeEntries([new Uint8Array(65_536)])).to.throw(RangeError);
  });
});
