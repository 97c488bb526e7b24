import type { Hash } from '../../core/bytes.ts';
import type { ChainBlock } from '../Governance.ts';
import type { ChannelChain } from './ChannelChain.ts';
import type { ChannelEvent } from './ChannelEvent.ts';

/** What one look at the chain found. */
export type ChannelNews = {
  /** In chain order; each is told once, and again where a reorganisation has put it into another block. */
  readonly events: readonly ChannelEvent[];
  /**
   * Told before, and on the chain no more, the newest first. One that comes back in a later look is told as an event again.
   * Of blocks that were told before a restart, or 256 blocks ago, nothing is known.
   */
  readonly gone: readonly ChannelEvent[];
  /** Everything up to this block has been told: where to begin after a restart. Undefined where nothing has enough blocks on top. */
  readonly block: ChainBlock | undefined;
  /** There is more to tell now. */
  readonly isBehind: boolean;
};

/** Where a watch begins. */
export type ChannelEventsOptions = {
  /** First block to tell, or the last one that was told to the one before (a block: its hash shows a reorganisation). */
  readonly from: number | Pick<ChainBlock, 'number' | 'hash'>;
  /** Told when so many blocks are there from the event's own on; 1 by default. */
  readonly confirmations?: number;
};

type Mark = { readonly number: number; readonly hash: Hash };

/** Marks of blocks told, so that the place where a reorganisation begins is found by few questions. */
const mostMarks = 128;
/** How far a reorganisation is followed, and where to begin again after one that is deeper than all marks. */
const backBlocks = 256;
const mostBlocksAtOnce = 10_000;

/** Tells the events of all channels, page by page from a block on, and what a reorganisation has taken back. */
export class ChannelEvents {
  readonly #chain: Pick<ChannelChain, 'newestBlock' | 'blockAt' | 'events'>;
  readonly #confirmations: number;
  /** Oldest first; the last one is the newest block told. */
  #marks: Mark[];
  #next: number;
  /** Nothing before it is told. */
  readonly #first: number;
  /** Those of blocks that may still be replaced. */
  #told: ChannelEvent[] = [];

  constructor(
    chain: Pick<ChannelChain, 'newestBlock' | 'blockAt' | 'events'>,
    { from, confirmations = 1 }: ChannelEventsOptions,
  ) {
    this.#chain = chain;
    this.#confirmations = confirmations;
    this.#marks = typeof from === 'number' ? [] : [from];
    this.#next = typeof from === 'number' ? from : from.number + 1;
    this.#first = typeof from === 'number' ? from : 0;
  }

  /**
   * Looks once. What it throws leaves everything as it was: call it again.
   * @throws NotariumError as {@link ChannelChain}.
   */
  async look(): Promise<ChannelNews> {
    const newest = await this.#chain.newestBlock();
    const common = await this.#common(newest.number);
    const goneFrom = common.next < this.#next ? common.next : undefined;
    const last = newest.number - this.#confirmations + 1;
    const to = Math.min(last, common.next + mostBlocksAtOnce - 1);
    // The block first: what replaces it while its events are read shows in the next look.
    const block = to < common.next ? undefined : to === newest.number ? newest : await this.#chain.blockAt(to);
    const found = block ? await this.#chain.events(common.next, to) : [];

    const [contents, places] = [new Set(found.map(contentOf)), new Set(this.#told.map(placeOf))];
    const isGone = (event: ChannelEvent): boolean =>
      goneFrom !== undefined && event.place.blockNumber >= goneFrom && !contents.has(contentOf(event));
    const gone = this.#told.filter(isGone).reverse();
    // Where not even the oldest mark is left, blocks are read again that nothing has happened to.
    const events = found.filter((event) => !places.has(placeOf(event)));
    this.#marks = common.marks;
    this.#next = block ? to + 1 : common.next;
    if (block) this.#marks = [...this.#marks, { number: block.number, hash: block.hash }].slice(-mostMarks);
    const kept = [...this.#told.filter((event) => !isGone(event)), ...events];
    this.#told = kept.filter(({ place }) => place.blockNumber > newest.number - backBlocks);
    return { events, gone, block, isBehind: to < last };
  }

  // The newest mark that is on the chain still, and the first block after it.
  async #common(newest: number): Promise<{ marks: Mark[]; next: number }> {
    const marks = [...this.#marks];
    for (let mark = marks.at(-1); mark; mark = marks.at(-1)) {
      // A node that is behind the one asked before knows nothing of the block; it will.
      if (mark.number > newest) return { marks: [...this.#marks], next: this.#next };
      const block = await this.#chain.blockAt(mark.number);
      if (block?.hash === mark.hash) return { marks, next: Math.min(this.#next, mark.number + 1) };
      marks.pop();
    }
    if (this.#marks.length === 0) return { marks, next: this.#next };
    return { marks, next: Math.max(this.#first, this.#marks[0]!.number - backBlocks) };
  }
}

// What an event says and by which transaction, wherever that stands.
function contentOf({ place, ...fact }: ChannelEvent): string {
  const text = JSON.stringify(fact, (_key, item: unknown) => (typeof item === 'bigint' ? `${item}` : item));
  return `${place.transactionHash} ${text}`;
}

function placeOf({ place }: ChannelEvent): string {
  return `${place.blockHash} ${place.logIndex}`;
}
