import type { Acceptance } from '../../core/acceptance.ts';
import type { BlockHeader, BlockSignature } from '../../core/block.ts';
import type { Hash, RecordId } from '../../core/bytes.ts';
import type { Committee } from '../../core/committee.ts';
import type { Net } from '../../net/Net.ts';
import type { AnchoredBlock } from '../../store/StoredBlock.ts';
import type { Lease } from '../../store/WriteOptions.ts';

/** Id and leaf hash of a block's records, 32 bytes each, in log order. */
export type BlockLeaves = { readonly ids: Uint8Array; readonly leafHashes: Uint8Array };

/** What a centre does together with the others. */
export type Replication = {
  readonly net: Net;
  /** Tells the others of entries that have just come to be on disk here. */
  broadcast(entries: readonly Uint8Array[]): void;
  /** A quorum's signatures over a header, ours first (collectVotes.ts). @throws NotariumError `quorum-unreachable`. */
  collectSignatures(header: BlockHeader, committee: Committee, leaves: BlockLeaves): Promise<BlockSignature[]>;
  /**
   * Takes blocks of the chain that follow one another, and whose records are not all here, into the log, from whoever has
   * them. With `nextSize`, the size of the log after those that come next, the records of these are fetched meanwhile.
   * @throws NotariumError `block-unavailable` with what each source said; `log-forked` where the records of the first one are
   *   proven to contradict the part of our log that a deep reorganisation has taken the anchors of.
   */
  importBlocks(blocks: readonly AnchoredBlock[], lease: Lease, nextSize?: number): Promise<void>;
  /** Tells the others that a block has been anchored. */
  announceAnchored(height: number, hash: Hash): Promise<void>;
  /** Acceptances of a quorum that has the record on disk (holdRecords.ts). @throws NotariumError `quorum-unreachable`. */
  hold(id: RecordId, own: Acceptance, options: { timeoutMs: number; signal?: AbortSignal }): Promise<Acceptance[]>;
  /** A quorum's signatures over a block of the chain that came without them (BlockSignatures.ts), if the others have them. */
  signaturesOf(header: BlockHeader): Promise<readonly BlockSignature[] | undefined>;
  close(): Promise<void>;
};
