import type { StoredBlock } from './StoredBlock.ts';

/** Committed blocks in memory, found by the leaves that they brought: most receipts are of blocks asked for before. */
export class BlockCache {
  /** By the size of the tree; their leaves do not overlap. */
  #blocks: StoredBlock[] = [];
  readonly #limit: number;

  /** About 1.5 KiB a block; beyond `limit`, the older half goes. */
  constructor(limit = 4096) {
    this.#limit = limit;
  }

  find(leafIndex: number): StoredBlock | undefined {
    const block = this.#blocks[this.#firstAbove(leafIndex)];
    return block && leafIndex >= block.header.treeSize - block.count ? block : undefined;
  }

  add(block: StoredBlock): void {
    const { treeSize } = block.header;
    const at = this.#firstAbove(treeSize - 1);
    this.#blocks.splice(at, this.#blocks[at]?.header.treeSize === treeSize ? 1 : 0, block);
    if (this.#blocks.length > this.#limit) this.#blocks = this.#blocks.slice(this.#limit >> 1);
  }

  /** Position of the first block whose tree has the leaf. */
  #firstAbove(leafIndex: number): number {
    let from = 0;
    let to = this.#blocks.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.#blocks[middle]!.header.treeSize > leafIndex) to = middle;
      else from = middle + 1;
    }
    return from;
  }
}
