import type { AnchoredBlock } from '../chain/Chain.ts';
import { checkBlockSignatures, zeroHash } from '../core/block.ts';
import { toHex } from '../core/bytes.ts';
import { isNotariumError, NotariumError } from '../core/errors.ts';
import { rootFromNodes } from '../core/log/proof.ts';
import type { AnchoredBlock as StoredAnchored } from '../store/StoredBlock.ts';
import type { Lease } from '../store/WriteOptions.ts';
import { blockGroups, isUnconfirmed } from './blockGroups.ts';
import type { CentreParts } from './CentreParts.ts';
import { reanchorLog } from './reanchorLog.ts';
import type { Replication } from './replication/Replication.ts';
import { rollBackLog } from './rollBackLog.ts';

/** How blocks of the chain came to be here, or why not yet. */
type Taken = 'taken back' | 'imported' | 'rolled back';

/**
 * Brings what the data folder says and what the chain says together, before anything new is sealed:
 * - anchors that a reorganisation took away are made again ({@link reanchorLog});
 * - where the chain has confirmed other blocks in their place, the log goes back to what both have ({@link rollBackLog});
 * - a block of ours that the chain took after we had given it up, or lost and found again, is taken back.
 *
 * Answers whether the two now are at the same height; where not, a block is on its way: call again after it.
 * @throws NotariumError `chain-forgot-anchors` when the chain lost more than a reorganisation can explain,
 *   `store-behind-chain` when it has blocks whose records are not here, `chain-unreachable`.
 */
export async function reconcile(parts: CentreParts, lease: Lease): Promise<boolean> {
  const { store, chain, logger } = parts;
  const { common, committed } = await checkHistory(parts);
  if (common < committed) {
    await reanchorLog(parts, common, lease);
    return false;
  }
  const head = await chain.head();
  // Before anything is left: what we have published ourselves comes into the log between two looks.
  parts.metrics.lag.set(Math.max(0, head - committed));
  if (head === committed) return (await store.liveBlocks()).length === 0;
  if ((await store.liveBlocks()).length > 0) return false;
  const found = chain.anchoredBlocks(committed + 1, head);
  for await (const { group, nextSize } of blockGroups(parts, found)) {
    // What a reorganisation may still take away is looked at again later.
    if (isUnconfirmed(parts, group[0]!)) return true;
    const how = await takeBlocks(parts, group, lease, nextSize);
    const { height } = group.at(-1)!.header;
    parts.metrics.lag.set(head - height);
    if (how === 'imported') continue;
    if (how === 'rolled back') return await reconcile(parts, lease);
    logger.warn({ height }, 'took back a block that the chain had accepted after all');
    return false;
  }
  return (await chain.head()) === ((await store.committedBlock())?.header.height ?? 0);
}

async function takeBlocks(
  parts: CentreParts,
  group: readonly AnchoredBlock[],
  lease: Lease,
  nextSize: number | undefined,
): Promise<Taken> {
  const { replication } = parts;
  await requireNext(parts, group[0]!);
  if (group.length === 1 || !replication) {
    // Those of a centre that is alone are its own, or cannot be taken: one by one.
    return await takeBlock(parts, group[0]!, lease, nextSize);
  }
  return await importBlocks(parts, replication, group, lease, nextSize);
}

/**
 * Whether the block follows our newest one. The contract takes no other; a node of the chain that lies, or several that do not
 * agree, may show one: then no peer can give its records and be right, and going back would not make it fit.
 * @throws NotariumError `block-invalid`.
 */
async function requireNext({ store }: CentreParts, { header, blockHash }: AnchoredBlock): Promise<void> {
  const { header: before, hash: parent = zeroHash } = (await store.committedBlock()) ?? {};
  if (header.parent === parent && header.treeSize > (before?.treeSize ?? 0)) return;
  throw new NotariumError('block-invalid', `block ${header.height} of the chain does not follow the one before`, {
    data: { height: header.height, hash: blockHash, have: header.parent, want: parent },
  });
}

async function importBlocks(
  parts: CentreParts,
  replication: Replication,
  group: readonly AnchoredBlock[],
  lease: Lease,
  nextSize: number | undefined,
): Promise<Taken> {
  for (const found of group) await checkAnchored(parts, found);
  const blocks = group.map(stored);
  try {
    await replication.importBlocks(blocks, lease, nextSize);
    return 'imported';
  } catch (error) {
    if (!isNotariumError(error, 'log-forked')) throw error;
    await rollBackLog(parts, blocks[0]!, lease);
    return 'rolled back';
  }
}

/** As the store takes it. */
function stored({ header, blockHash: hash, signatures, anchor: found }: AnchoredBlock): StoredAnchored {
  const { confirmations: _, ...anchor } = found;
  return { header, hash, signatures, sealedMs: anchor.timestamp * 1000, anchor };
}

/**
 * Takes a block of the chain: one of ours that we had given up (it is kept as void), one that we had taken for lost although
 * its records are here, or another centre's.
 */
async function takeBlock(
  parts: CentreParts,
  found: AnchoredBlock,
  lease: Lease,
  nextSize: number | undefined,
): Promise<Taken> {
  const { store, replication } = parts;
  const block = stored(found);
  const { header, hash, anchor } = block;
  const { treeSize } = header;
  if (treeSize <= store.logSize()) {
    if (toHex(await rootFromNodes(treeSize, store.nodeReader(treeSize))) === header.root) {
      await store.adoptLogged(block, { lease });
      return 'taken back';
    }
    // One that is alone has nobody to get other records from.
    if (replication) {
      await checkAnchored(parts, found);
      await rollBackLog(parts, block, lease);
      return 'rolled back';
    }
  }
  try {
    await store.adoptBlock(hash, anchor, { lease });
    return 'taken back';
  } catch (error) {
    if (!isNotariumError(error, 'block-not-found')) throw error;
    if (replication) return await importBlocks(parts, replication, [found], lease, nextSize);
    throw new NotariumError('store-behind-chain', `block ${header.height} of the chain`, {
      data: { height: header.height, hash, publisher: header.publisher },
      cause: error,
    });
  }
}

/**
 * A block of another centre counts only with the publisher whose turn it was and a quorum of that epoch. The contract has
 * checked that; a node of the chain that lies would not.
 * @throws NotariumError `block-invalid`.
 */
async function checkAnchored({ network, chain, crypto }: CentreParts, found: AnchoredBlock): Promise<void> {
  const { header, signatures } = found;
  // Signatures that a wrapping contract hides cannot be read back: then the contract's word stands alone.
  if (signatures.length === 0) return;
  try {
    checkBlockSignatures(network, header, signatures, await chain.committee(header.epoch), crypto);
  } catch (error) {
    if (!isNotariumError(error) || !error.code.startsWith('receipt-')) throw error;
    throw new NotariumError('block-invalid', `block ${header.height} of the chain: ${error.message}`, {
      data: { height: header.height, hash: found.blockHash },
      cause: error,
    });
  }
}

/**
 * Compares the anchors of the data folder with the chain's, and changes nothing.
 * @throws NotariumError `chain-forgot-anchors`, `chain-unreachable`.
 */
export async function checkHistory(parts: CentreParts): Promise<{ common: number; committed: number }> {
  const { store, chain } = parts;
  const common = await commonHeight(parts);
  const committed = (await store.committedBlock())?.header.height ?? 0;
  if (common >= committed) return { common, committed };
  const lost = committed - common;
  const { blockNumber } = await chain.chainTime();
  const firstLost = (await store.block(common + 1))?.anchor?.blockNumber ?? 0;
  // A branch that wins is not shorter than the one that it replaces: this chain was reset, or its node lags behind.
  // Where an anchor is left, that costs nothing that could not be taken back: see takeBack.
  const isShort = common === 0 && blockNumber < firstLost;
  if (!isShort && lost <= parts.settings.maxLostAnchors) return { common, committed };
  const detail = isShort
    ? `block ${common + 1} was anchored in chain block ${firstLost}, and the chain is at ${blockNumber}`
    : `${lost} of ${committed} anchors are not on the chain any more`;
  throw new NotariumError('chain-forgot-anchors', detail, { data: { committed, common, blockNumber } });
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
