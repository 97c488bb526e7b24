import type { AnchoredBlock } from '../chain/Chain.ts';
import { toHex } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
import { rootOf } from '../core/log/compactRange.ts';
import { extendTree } from '../core/log/extend.ts';
import type { Lease } from '../store/Store.ts';
import type { CentreParts } from './CentreParts.ts';
import { reanchorLog } from './reanchorLog.ts';
import { submissionJson } from './submission.ts';

/**
 * Brings what the data folder says and what the chain says together, before anything new is sealed:
 * - anchors that a reorganisation took away are made again ({@link reanchorLog});
 * - a block of ours that the chain took after we had given it up is taken back from the pool.
 * @throws NotariumError `chain-forgot-anchors` when the chain lost more than a reorganisation can explain,
 *   `store-behind-chain` when it has blocks whose records are not here, `chain-unreachable`.
 */
export async function reconcile(parts: CentreParts, lease: Lease): Promise<void> {
  const { store, chain } = parts;
  const common = await commonHeight(parts);
  const committed = (await store.committedBlock())?.header.height ?? 0;
  if (common < committed) {
    const lost = committed - common;
    if (lost > parts.settings.maxLostAnchors) {
      throw new NotariumError('chain-forgot-anchors', `${lost} of ${committed} anchors are not on the chain any more`, {
        data: { committed, common },
      });
    }
    await reanchorLog(parts, common, lease);
    return;
  }
  if ((await store.liveBlocks()).length > 0) return;
  const head = await chain.head();
  if (head > committed) {
    for await (const block of chain.anchoredBlocks(committed + 1, committed + 1)) await takeBack(parts, block, lease);
  }
}

/** Greatest height whose anchor is both here and on the chain. */
async function commonHeight({ store, chain }: CentreParts): Promise<number> {
  const committed = (await store.committedBlock())?.header.height ?? 0;
  const fits = async (height: number): Promise<boolean> =>
    height === 0 || (await chain.blockHash(height)) === (await store.block(height))?.hash;
  if (await fits(committed)) return committed;
  let low = 0;
  let high = committed;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (await fits(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** The records of an anchored block that we hold no block for must be the oldest ones in the pool. */
async function takeBack(
  parts: CentreParts,
  { header, blockHash, signatures }: AnchoredBlock,
  lease: Lease,
): Promise<void> {
  const { store, clock, logger } = parts;
  const oldSize = store.logSize();
  const cut = await store.poolCut(header.treeSize - oldSize);
  const old = await store.frontier();
  const { frontier, proof } = await extendTree(old, cut.leafHashes, store.nodeReader(oldSize));
  if (cut.count !== header.treeSize - oldSize || toHex(rootOf(frontier)) !== header.root) {
    throw new NotariumError('store-behind-chain', `block ${header.height} of the chain`, {
      data: { height: header.height, hash: blockHash, publisher: header.publisher },
    });
  }
  const range = { firstSeq: cut.seqs[0]!, lastSeq: cut.seqs[cut.count - 1]!, count: cut.count };
  await store.saveBlock({ header, hash: blockHash, signatures, sealedMs: clock.nowMs() }, range, { lease });
  await store.updateBlock(header.height, { submission: submissionJson({ proof: proof.map(toHex) }) }, { lease });
  logger.info({ height: header.height, count: cut.count }, 'took back a block that the chain had accepted after all');
}
