import { expect } from 'chai';
import { concat, utf8 } from '../../../../services/core/bytes.ts';
import { treeRoot } from '../../../../services/core/log/compactRange.ts';
import { emptyEdge, growTiles } from '../../../../services/core/log/growTiles.ts';
import { assertTiles, checkTile, damagedTiles } from '../../../../services/core/log/verifyTiles.ts';
import { emptyRoot, leafHash } from '../../../../services/core/sha256.ts';
import { flipped, sha256Of } from './reference.ts';

function logOf(size: number) {
  const entries = Array.from({ length: size }, (_, index) => utf8(`entry ${index}`));
  const leafHashes = concat(...entries.map((entry) => leafHash(entry)));
  const files = new Map(growTiles(emptyEdge, [{ entries, leafHashes }]));
  return { size, root: treeRoot(leafHashes), files, read: async (path: string) => files.get(path) };
}

const large = logOf(65_536 + 700);

describe('core/log/verifyTiles', () => {
  it('finds nothing wrong with sound logs', async () => {
    for (const size of [0, 1, 255, 256, 257, 1000])
      expect(await damagedTiles(logOf(size)), String(size)).to.deep.equal([]);
    expect(await damagedTiles(large)).to.deep.equal([]);
    await assertTiles(large);
    expect(await damagedTiles({ size: 0, root: emptyRoot, read: () => undefined })).to.deep.equal([]);
  });

  for (const path of [
    'tile/entries/000',
    'tile/entries/255',
    'tile/entries/258.p/188',
    'tile/0/000',
    'tile/0/256',
    'tile/0/258.p/188',
    'tile/1/000',
    'tile/1/001.p/2',
    'tile/2/000.p/1',
  ]) {
    it(`names ${path} when a byte of it changes, it is cut, or it is missing`, async () => {
      const bytes = large.files.get(path)!;
      for (const damage of [flipped(bytes, 0), flipped(bytes, bytes.length - 1, 7), bytes.slice(1), undefined]) {
        const read = async (at: string) => (at === path ? damage : large.files.get(at));
        expect(await damagedTiles({ ...large, read }, sha256Of)).to.deep.equal([path]);
      }
    });
  }

  it('names several at once', async () => {
    const paths = ['tile/0/007', 'tile/0/258.p/188', 'tile/1/001.p/2', 'tile/entries/031'];
    const read = (path: string) => (paths.includes(path) ? flipped(large.files.get(path)!, 9) : large.files.get(path));
    expect(await damagedTiles({ ...large, read }, sha256Of)).to.deep.equal(paths);
    const error = await assertTiles({ ...large, read }).catch((thrown) => thrown);
    expect(error.code).to.equal('tile-corrupt');
    expect(error.data).to.deep.equal({ path: 'tile/0/007', paths });
  });

  it('names a tile and the bundle below it when both are damaged', async () => {
    const paths = ['tile/0/007', 'tile/entries/007'];
    const read = (path: string) => (paths.includes(path) ? flipped(large.files.get(path)!, 9) : large.files.get(path));
    expect(await damagedTiles({ ...large, read }, sha256Of)).to.deep.equal(paths);
  });

  it('trusts nothing at the edge of a log with another root', async () => {
    const damaged = await damagedTiles({ ...large, root: flipped(large.root, 3) });
    expect(damaged).to.deep.equal(['tile/0/258.p/188', 'tile/1/001.p/2', 'tile/2/000.p/1']);
  });

  it('checks one tile against the hash above it', () => {
    const tile = large.files.get('tile/0/003')!;
    const parent = large.files.get('tile/1/000')!.slice(32 * 3, 32 * 4);
    checkTile('tile/0/003', tile, parent);
    for (const bad of [flipped(tile, 100), tile.slice(1), tile.slice(32)]) {
      expect(() => checkTile('tile/0/003', bad, parent))
        .to.throw()
        .that.deep.includes({ code: 'tile-corrupt' });
    }
  });
});
