import type { AnchoredBlock } from '../chain/Chain.ts';
import type { CentreParts } from './CentreParts.ts';

/** Blocks to be taken together, at least one; `nextSize` is the log's size after those that can be taken next. */
export type BlockGroup = { readonly group: readonly AnchoredBlock[]; readonly nextSize: number | undefined };

type Parts = {
  readonly store: Pick<CentreParts['store'], 'logSize' | 'knowsBlock'>;
  readonly settings: Pick<CentreParts['settings'], 'confirmations'>;
};

const recordsAtOnce = 20_000;
const blocksAtOnce = 64;

/** Whether a reorganisation may still take the block away. */
export function isUnconfirmed({ settings }: Pick<Parts, 'settings'>, { anchor }: AnchoredBlock): boolean {
  return anchor.confirmations < settings.confirmations;
}

/**
 * Blocks of the chain above the committed ones, in groups: confirmed ones that this centre knows nothing of go together, not
 * too many, each other one goes alone. A small block costs as many writes that wait for the disk as a large one: a centre
 * that catches up would do little else.
 */
export async function* blockGroups(parts: Parts, blocks: AsyncIterable<AnchoredBlock>): AsyncGenerator<BlockGroup> {
  for await (const [group, next] of inPairs(groupsOf(parts, blocks))) {
    const isNext = next && !isUnconfirmed(parts, next[0]!);
    yield { group, nextSize: isNext ? next.at(-1)?.header.treeSize : undefined };
  }
}

async function* groupsOf(parts: Parts, blocks: AsyncIterable<AnchoredBlock>): AsyncGenerator<AnchoredBlock[]> {
  let group: AnchoredBlock[] = [];
  let from = parts.store.logSize();
  for await (const block of blocks) {
    const { treeSize } = block.header;
    const isAlone = treeSize <= from || isUnconfirmed(parts, block) || (await parts.store.knowsBlock(block.blockHash));
    const isFull = group.length >= blocksAtOnce || treeSize - from > recordsAtOnce;
    if (group.length > 0 && (isAlone || isFull)) {
      from = group.at(-1)!.header.treeSize;
      yield group;
      group = [];
    }
    group.push(block);
    if (!isAlone) continue;
    from = Math.max(from, treeSize);
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

/** Each item with the one after it. What keeps the next one from coming is thrown when this one has been dealt with. */
async function* inPairs<T>(items: AsyncIterable<T>): AsyncGenerator<readonly [item: T, next: T | undefined]> {
  let held: { readonly item: T } | undefined;
  try {
    for await (const item of items) {
      if (held) yield [held.item, item];
      held = { item };
    }
  } catch (error) {
    if (held) yield [held.item, undefined];
    throw error;
  }
  if (held) yield [held.item, undefined];
}
