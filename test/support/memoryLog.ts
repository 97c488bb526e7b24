import type { Centre } from '../../services/app/Centre.ts';
import { toHex } from '../../services/core/bytes.ts';
import { NotariumError } from '../../services/core/errors.ts';
import { rootOf } from '../../services/core/log/compactRange.ts';
import { edgeFrontier, emptyEdge, growTiles, type TileEdge } from '../../services/core/log/growTiles.ts';
import { memoryTree } from '../../services/core/log/memoryTree.ts';
import { consistencyProof } from '../../services/core/log/proof.ts';
import { leafHash } from '../../services/core/sha256.ts';

/** A log in memory, with tiles and proofs. */
export class MemoryLog<Kept extends { readonly entry: Uint8Array }> {
  readonly kept: Kept[] = [];
  readonly tiles = new Map<string, Uint8Array>();
  #edge: TileEdge = emptyEdge;

  get root(): Uint8Array {
    return rootOf(edgeFrontier(this.#edge));
  }

  append(fresh: readonly Kept[]): void {
    const before = this.kept.length;
    this.kept.push(...fresh);
    const entries = fresh.map(({ entry }) => entry);
    const leafHashes = this.#leaves(this.kept.length).subarray(32 * before);
    const grown = growTiles(this.#edge, [{ leafHashes, entries }]);
    for (let next = grown.next(); ; next = grown.next()) {
      if (next.done) {
        this.#edge = next.value;
        return;
      }
      this.tiles.set(next.value[0], next.value[1]);
    }
  }

  /** Of a leaf in the tree of that size. */
  path(leafIndex: number, treeSize: number): Uint8Array[] {
    return memoryTree(this.#leaves(treeSize)).path(leafIndex);
  }

  async consistency(from: number, to: number): ReturnType<Centre['consistency']> {
    const size = this.kept.length;
    if (from > to || to > size) throw new NotariumError('proof-malformed', 'the log never had that size');
    const path = await consistencyProof(from, to, (level, index) => {
      const width = 2 ** level;
      return memoryTree(this.#leaves(size).subarray(32 * index * width, 32 * (index + 1) * width)).root;
    });
    const rootAt = (treeSize: number) => toHex(memoryTree(this.#leaves(treeSize)).root);
    return { from, to, fromRoot: rootAt(from), toRoot: rootAt(to), path: path.map((hash) => toHex(hash).slice(2)) };
  }

  #leaves(count: number): Uint8Array {
    const bytes = new Uint8Array(32 * count);
    for (const [index, { entry }] of this.kept.slice(0, count).entries()) bytes.set(leafHash(entry), 32 * index);
    return bytes;
  }
}
