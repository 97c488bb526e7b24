import { expect } from 'chai';
import { blockGroups } from '../../../services/app/blockGroups.ts';
import type { AnchoredBlock } from '../../../services/chain/Chain.ts';
import type { Hash } from '../../../services/core/bytes.ts';

/** A block that makes the log so long; its hash is its height. */
const block = (height: number, treeSize: number, confirmations = 5): AnchoredBlock =>
  ({ blockHash: `0x${height}`, header: { height, treeSize }, anchor: { confirmations } }) as unknown as AnchoredBlock;

async function groups(
  blocks: readonly AnchoredBlock[],
  { logSize = 0, known = [] }: { logSize?: number; known?: readonly Hash[] } = {},
  failure?: Error,
): Promise<{ heights: number[]; nextSize: number | undefined }[]> {
  const parts = {
    store: { logSize: () => logSize, knowsBlock: async (hash: Hash) => known.includes(hash) },
    settings: { confirmations: 3 },
  };
  const source = async function* (): AsyncGenerator<AnchoredBlock> {
    yield* blocks;
    if (failure) throw failure;
  };
  const found: { heights: number[]; nextSize: number | undefined }[] = [];
  try {
    for await (const { group, nextSize } of blockGroups(parts, source())) {
      found.push({ heights: group.map(({ header }) => header.height), nextSize });
    }
  } catch (error) {
    if (error !== failure) throw error;
  }
  return found;
}

describe('blockGroups', () => {
  it('puts small blocks together, and begins anew where there would be too many records', async () => {
    const blocks = [
      block(1, 8_000),
      block(2, 15_000),
      block(3, 20_000),
      block(4, 20_001),
      block(5, 60_000),
      block(6, 60_001),
    ];
    expect(await groups(blocks)).to.deep.equal([
      { heights: [1, 2, 3], nextSize: 20_001 },
      { heights: [4], nextSize: 60_000 },
      { heights: [5], nextSize: 60_001 },
      { heights: [6], nextSize: undefined },
    ]);
  });

  it('takes at most 64 blocks at once', async () => {
    const blocks = Array.from({ length: 100 }, (_, at) => block(at + 1, at + 1));
    expect((await groups(blocks)).map(({ heights }) => heights.length)).to.deep.equal([64, 36]);
  });

  it('leaves blocks alone that are known here, or do not go beyond the log', async () => {
    const blocks = [block(1, 10), block(2, 20), block(3, 30), block(4, 40), block(5, 50)];
    expect(await groups(blocks, { logSize: 10, known: ['0x3'] })).to.deep.equal([
      { heights: [1], nextSize: 20 },
      { heights: [2], nextSize: 30 },
      { heights: [3], nextSize: 50 },
      { heights: [4, 5], nextSize: undefined },
    ]);
  });

  it('keeps unconfirmed blocks apart, and lets nobody fetch them', async () => {
    const blocks = [block(1, 10), block(2, 20), block(3, 30, 2), block(4, 40, 1)];
    expect(await groups(blocks)).to.deep.equal([
      { heights: [1, 2], nextSize: undefined },
      { heights: [3], nextSize: undefined },
      { heights: [4], nextSize: undefined },
    ]);
  });

  it('gives what it has before it fails', async () => {
    const failure = new Error('the chain is away');
    expect(await groups([block(1, 10), block(2, 10_000), block(3, 30_000)], {}, failure)).to.deep.equal([
      { heights: [1, 2], nextSize: undefined },
    ]);
  });
});
