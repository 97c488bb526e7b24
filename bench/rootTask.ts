import { hash, randomFillSync } from 'node:crypto';
import { SimpleMerkleTree } from '@openzeppelin/merkle-tree';
import { MerkleTree } from 'merkletreejs';
import { hexDigits, sameBytes } from '../services/core/bytes.ts';
import { treeRoot } from '../services/core/log/compactRange.ts';
import { bulkSha256Name } from '../services/core/sha256.ts';
import { median } from './support/Row.ts';
import { serveParent } from './support/runChild.ts';

/** Sizes of the trees: ours and merkletreejs, and the one for OpenZeppelin's, which would take minutes. */
export type RootTask = { readonly leaves: number; readonly fewLeaves: number };

/** Milliseconds for each tree; `few…` those at the smaller size. */
export type RootAnswer = {
  readonly oursMs: number;
  readonly merkletreejsMs: number;
  readonly fewOursMs: number;
  readonly fewOpenZeppelinMs: number;
  readonly hasher: string;
};

const sha256 = (bytes: Uint8Array): Buffer => hash('sha256', bytes, 'buffer');

serveParent<RootTask, RootAnswer>(async ({ leaves, fewLeaves }) => {
  const leafHashes = randomFillSync(new Uint8Array(32 * leaves));
  const few = leafHashes.subarray(0, 32 * fewLeaves);
  // The same tree is built wherever the number of leaves is a power of two, the prefix bytes of RFC 9162 apart.
  const buffers = Array.from({ length: leaves }, (_, at) => Buffer.from(leafHashes.subarray(32 * at, 32 * at + 32)));
  const hexLeaves = Array.from({ length: fewLeaves }, (_, at) => `0x${hexDigits(few.subarray(32 * at, 32 * at + 32))}`);
  const prefixed = (bytes: Uint8Array): Buffer => sha256(Buffer.concat([Buffer.of(1), bytes]));
  const check = new MerkleTree(buffers.slice(0, 1024), prefixed).getRoot();
  if (!sameBytes(check, treeRoot(leafHashes.subarray(0, 32 * 1024)))) throw new Error('the trees have different roots');
  return {
    oursMs: median(Array.from({ length: 7 }, () => timeMs(() => treeRoot(leafHashes)))),
    merkletreejsMs: timeMs(() => new MerkleTree(buffers, sha256).getRoot()),
    fewOursMs: median(Array.from({ length: 15 }, () => timeMs(() => treeRoot(few)))),
    fewOpenZeppelinMs: timeMs(() => SimpleMerkleTree.of(hexLeaves).root),
    hasher: bulkSha256Name(),
  };
});

function timeMs(run: () => unknown): number {
  const startMs = performance.now();
  run();
  return performance.now() - startMs;
}
