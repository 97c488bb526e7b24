import { type BlockHeader, blockHash, zeroHash } from '../core/block.ts';
import { concat, toHex } from '../core/bytes.ts';
import { type Committee, publisherOf } from '../core/committee.ts';
import { rootOf } from '../core/log/compactRange.ts';
import { extendTree } from '../core/log/extend.ts';
import type { PoolCut } from '../store/PoolRow.ts';
import type { StoredBlock } from '../store/StoredBlock.ts';
import type { Lease } from '../store/WriteOptions.ts';
import type { CentreParts } from './CentreParts.ts';
import { cutPool } from './cutPool.ts';
import { orphanedTail } from './replication/orphanedTail.ts';
import type { BlockLeaves } from './replication/Replication.ts';
import { signAlone } from './signAlone.ts';
import { submissionJson } from './submission.ts';

/**
 * Seals the block of a slot: cuts the pool, oldest first, drops what has expired with a signed refusal, computes the
 * log's new root, stores the vote durably, and only then signs. Gives undefined when there is nothing to seal.
 *
 * Takes at most `maxRecords`. Must be called by the slot's publisher, with no other block of this centre on its way.
 * @throws NotariumError `vote-conflict` when this centre has signed another block in the slot, `quorum-unreachable`.
 */
export async function sealBlock(
  parts: CentreParts,
  slot: number,
  committee: Committee,
  lease: Lease,
  maxRecords: number,
): Promise<StoredBlock | undefined> {
  const { store, network, clock, metrics, signer } = parts;
  const startMs = clock.nowMs();
  const previous = await store.committedBlock();
  const anchoredSize = previous?.header.treeSize ?? 0;
  const oldSize = store.logSize();
  // A log that is longer than its newest block has lost anchors (reanchorLog.ts): this block covers that part again, and others
  // must not find it too large.
  const cut = await cutPool(parts, slot, lease, Math.max(0, maxRecords - (oldSize - anchoredSize)));
  if (cut.count === 0 && oldSize === anchoredSize) return undefined;
  const old = await store.frontier();
  const { frontier, proof } = await extendTree(old, cut.leafHashes, store.nodeReader(oldSize), anchoredSize);
  const header: BlockHeader = {
    height: (previous?.header.height ?? 0) + 1,
    slot,
    treeSize: frontier.size,
    root: toHex(rootOf(frontier)),
    parent: previous?.hash ?? zeroHash,
    epoch: committee.epoch,
    publisher: publisherOf(committee, slot),
  };
  const hash = blockHash(network, header);

  await store.vote({ slot, hash, header }, { lease });
  const signatures = await (parts.replication
    ? parts.replication.collectSignatures(header, committee, await leavesOf(parts, cut, anchoredSize))
    : signAlone(network, signer, header, committee));
  metrics.votes.inc();
  metrics.sealSeconds.observe((clock.nowMs() - startMs) / 1000);

  const range = { firstSeq: cut.seqs[0] ?? 0, lastSeq: cut.seqs[cut.count - 1] ?? 0, count: cut.count };
  await store.saveBlock({ header, hash, signatures, sealedMs: clock.nowMs() }, range, {
    lease,
    event: {
      type: 'block.sealed',
      time: new Date(clock.nowMs()).toISOString(),
      data: { height: header.height, slot, hash, treeSize: header.treeSize, count: cut.count, centre: signer.address },
    },
  });
  // The proof needs leaf hashes that no tile holds yet; kept, it outlives a restart before the anchor.
  await store.updateBlock(header.height, { submission: submissionJson({ proof: proof.map(toHex) }) }, { lease });
  return await store.block(header.height);
}

/** All leaves that the block adds to what is anchored. */
async function leavesOf(parts: CentreParts, cut: PoolCut, anchoredSize: number): Promise<BlockLeaves> {
  if (parts.store.logSize() === anchoredSize) return cut;
  const tail = await orphanedTail(parts, anchoredSize);
  return { ids: concat(tail.ids, cut.ids), leafHashes: concat(tail.leafHashes, cut.leafHashes) };
}
