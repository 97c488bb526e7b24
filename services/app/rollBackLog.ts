import { slotAt } from '../core/committee.ts';
import type { AnchoredBlock as StoredAnchored } from '../store/StoredBlock.ts';
import type { Lease } from '../store/WriteOptions.ts';
import type { CentreParts } from './CentreParts.ts';
import { unsignedPromise } from './poolAcceptance.ts';

/**
 * After {@link reanchorLog}, when the chain has confirmed another continuation than this log's: takes the log back to the
 * newest block that both have. The records go back into the pool as the first ones, and this centre watches that they are
 * sealed again.
 */
export async function rollBackLog(parts: CentreParts, { header, hash }: StoredAnchored, lease: Lease): Promise<void> {
  const { store, clock, problems, metrics, logger, settings, periodSeconds } = parts;
  const common = (await store.committedBlock())?.header;
  const [fromSize, toSize, height] = [store.logSize(), common?.treeSize ?? 0, common?.height ?? 0];
  // Nothing is taken meanwhile; it is over when chain and data folder have been compared again.
  problems.raise('log-forked', `at height ${header.height}: going back to height ${height}`);
  logger.error({ height, fromSize, toSize, hash }, 'the chain has confirmed another log: taking ours back');
  const nowMs = clock.nowMs();
  const promise = {
    acceptedAt: Math.floor(nowMs / 1000),
    includeBySlot: slotAt(nowMs, periodSeconds) + settings.promiseSlots,
    acceptance: unsignedPromise,
  };
  const count = await store.rollBackLog(promise, {
    lease,
    event: {
      type: 'alert',
      time: new Date(nowMs).toISOString(),
      data: { code: 'log-rolled-back', height, fromSize, toSize, hash },
    },
  });
  metrics.rollBacks.inc();
  logger.warn({ height, count }, 'the records of the lost blocks are in the pool again');
}
