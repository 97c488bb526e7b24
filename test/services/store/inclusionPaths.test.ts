import { expect } from 'chai';
import fc from 'fast-check';
import { fromHex, toHex } from '../../../services/core/bytes.ts';
import { treeRoot } from '../../../services/core/log/compactRange.ts';
import { entriesPath, widthOf } from '../../../services/core/log/tile.ts';
import { pyramidNodeReader, pyramidReader } from '../../../services/core/log/tileReader.ts';
import { verifyInclusion } from '../../../services/core/log/verifyProof.ts';
import { inclusionPaths } from '../../../services/store/inclusionPaths.ts';
import { expectCode } from '../../support/expectCode.ts';
import { sha256 } from './storeKit.ts';

const logSize = 66_000;
const leaves = new Uint8Array(32 * logSize);
for (let at = 0; at < logSize; at++) leaves.set(sha256(`leaf ${at}`), 32 * at);

const leafOf = (leafIndex: number) => ({ leafIndex, leafHash: leaves.slice(32 * leafIndex, 32 * leafIndex + 32) });
const treeOf = (treeSize: number) => ({ treeSize, root: toHex(treeRoot(leaves.subarray(0, 32 * treeSize))) });

/** Hashes of a tile of the log. */
function tileOf(level: number, index: number, width: number): Uint8Array {
  const each = 32 * 256 ** level;
  const hashes = Array.from({ length: width }, (_, at) => {
    const begin = each * (256 * index + at);
    return treeRoot(leaves.subarray(begin, begin + each));
  });
  return new Uint8Array(Buffer.concat(hashes));
}

/** Paths over tiles that come from memory, or altered where `alter` says so; `forget` has every tile read anew. */
function logOf(alter: (path: string, tile: Uint8Array) => void = () => {}) {
  const read = (level: number, index: number, width: number): Uint8Array => {
    const tile = tileOf(level, index, width);
    alter(`${level}/${index}`, tile);
    return tile;
  };
  let tiles = pyramidReader(read, 1000);
  const tileAt = (level: number, index: number) => tiles(level, index, widthOf(level, index, logSize));
  const paths = inclusionPaths(
    async (index) => tileAt(0, index),
    (treeSize) => pyramidNodeReader(tileAt, treeSize),
  );
  return {
    path: async (leafIndex: number, tree: ReturnType<typeof treeOf>) => paths(leafOf(leafIndex), tree, logSize),
    paths,
    forget: () => {
      tiles = pyramidReader(read, 1000);
    },
  };
}

const flip = (at: number, of: string) => (path: string, tile: Uint8Array) => {
  if (path === of) tile[32 * at]! ^= 1;
};

describe('store/inclusionPaths', () => {
  const trees = [1, 2, 3, 255, 256, 257, 300, 700, 1024, 65_536, 65_537, logSize].map(treeOf);

  it('proves any leaf in any tree, and again from what it has kept', async () => {
    const { path } = logOf();
    const place = fc.constantFrom(...trees).chain((tree) => fc.tuple(fc.constant(tree), fc.nat(tree.treeSize - 1)));
    const check = async ([tree, leafIndex]: [ReturnType<typeof treeOf>, number]): Promise<void> => {
      const first = await path(leafIndex, tree);
      const { leafHash } = leafOf(leafIndex);
      const root = fromHex(tree.root);
      const inclusion = { leafHash, leafIndex, treeSize: tree.treeSize, path: first.map(fromHex), root };
      expect(verifyInclusion(inclusion)).to.equal(true);
      expect(await path(leafIndex, tree)).to.deep.equal(first);
    };
    await fc.assert(fc.asyncProperty(place, check), { numRuns: 150 });
    for (const tree of trees) {
      for (const leafIndex of [0, tree.treeSize - 1]) await check([tree, leafIndex]);
    }
  });

  it('gives no path to an entry that has changed', async () => {
    const { path, paths } = logOf();
    const tree = trees[7]!;
    const changed = { leafIndex: 5, leafHash: sha256('changed') };
    const data = { path: entriesPath(0), leafIndex: 5 };
    expect((await expectCode('tile-corrupt', async () => paths(changed, tree, logSize))).data).to.deep.equal(data);
    await path(6, tree);
    expect((await expectCode('tile-corrupt', async () => paths(changed, tree, logSize))).data).to.deep.equal(data);
  });

  it('gives no path through a tile that has changed since it was checked', async () => {
    let altered = (_path: string, _tile: Uint8Array): void => {};
    const { path, forget } = logOf((name, tile) => altered(name, tile));
    for (const tree of [trees[7]!, trees.at(-1)!]) {
      altered = () => {};
      forget();
      const right = await path(260, tree);
      // Another leaf of the same tile, so that the entry itself still fits.
      altered = flip(9, '0/1');
      forget();
      expect((await expectCode('tile-corrupt', path(260, tree))).data).to.deep.equal({
        path: entriesPath(1),
        leafIndex: 260,
      });
      altered = () => {};
      forget();
      expect(await path(260, tree)).to.deep.equal(right);
    }
  });

  it('gives no path through a wrong tile above, and the right one after it was mended', async () => {
    let altered = flip(3, '1/0');
    const { path, forget } = logOf((name, tile) => altered(name, tile));
    const tree = trees.at(-1)!;
    await expectCode('tile-corrupt', path(700, tree));
    altered = () => {};
    forget();
    expect(await path(700, tree)).to.have.length.above(8);
  });

  it('checks anew for another root of the same size', async () => {
    const { path } = logOf();
    const tree = trees[7]!;
    await path(1, tree);
    await expectCode('tile-corrupt', path(1, { ...tree, root: trees[6]!.root }));
  });
});
