import type { Anchor, BlockHeader, BlockSignature } from '../core/block.ts';
import type { BlockState } from '../core/blockState.ts';
import type { Hash } from '../core/bytes.ts';
import type { SignedHeader } from '../core/equivocation.ts';

/** The pool rows of a block: `count` rows with seq from `firstSeq` to `lastSeq`, in that order. */
export type SeqRange = { readonly firstSeq: number; readonly lastSeq: number; readonly count: number };

/** A block to be saved; state is `sealed`. */
export type NewBlock = {
  readonly header: BlockHeader;
  readonly hash: Hash;
  readonly signatures: readonly BlockSignature[];
  /** Unix milliseconds. */
  readonly sealedMs: number;
};

/** A block as kept. A block that came from a rebuild has count, but no seq range. */
export type StoredBlock = NewBlock & {
  readonly state: BlockState;
  readonly count: number;
  readonly range?: SeqRange;
  readonly anchor?: Anchor;
  /** What the anchorer has to remember of its transactions: plain JSON of its own. */
  readonly submission?: Readonly<Record<string, unknown>>;
};

/** Fields of a block that change. A state must be a legal next one (core/blockState.ts). null removes. */
export type BlockPatch = {
  readonly state?: Exclude<BlockState, 'committed'>;
  readonly signatures?: readonly BlockSignature[];
  readonly anchor?: Anchor | null;
  readonly submission?: Readonly<Record<string, unknown>> | null;
};

/** A block that the chain vouches for, oldest first without gaps: what {@link Store.rebuildFromTiles} builds on. */
export type AnchoredBlock = NewBlock & { readonly anchor: Anchor };

/** A vote: the one block that this centre signs in a slot. */
export type Vote = { readonly slot: number; readonly hash: Hash; readonly header: BlockHeader };

/** A header as its publisher has shown it. */
export type KeptHeader = { readonly hash: Hash; readonly signed: SignedHeader };
