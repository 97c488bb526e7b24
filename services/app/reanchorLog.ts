import type { Lease } from '../store/WriteOptions.ts';
import type { CentreParts } from './CentreParts.ts';

/**
 * After a reorganisation deeper than the configured confirmations: the log stays as it is, but the blocks above the
 * common height have no anchor any more. Their records stay in the log, in the same order; one new block over all of
 * them is sealed and anchored in their place, and receipts are made from that one.
 */
export async function reanchorLog(parts: CentreParts, commonHeight: number, lease: Lease): Promise<void> {
  const { store, logger, clock } = parts;
  logger.error({ commonHeight, logSize: store.logSize() }, 'the chain lost committed anchors: anchoring the log again');
  await store.orphanBlocks(commonHeight, {
    lease,
    event: {
      type: 'alert',
      time: new Date(clock.nowMs()).toISOString(),
      data: { code: 'anchors-lost', commonHeight, treeSize: store.logSize() },
    },
  });
}
