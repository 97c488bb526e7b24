import type { AnchorRequest, FoundAnchor, SentTransaction } from '../chain/Chain.ts';
import type { Hash } from '../core/bytes.ts';
import { slotStartMs } from '../core/committee.ts';
import { isNotariumError, type NotariumError } from '../core/errors.ts';
import type { StoredBlock } from '../store/StoredBlock.ts';
import type { Lease, NewEvent } from '../store/WriteOptions.ts';
import type { CentreParts } from './CentreParts.ts';
import { proofBytes, readSubmission, type Submission, submissionJson } from './submission.ts';

/** What a step came to. `waiting`: nothing more to do now. */
export type BlockStep = 'waiting' | 'committed' | 'void';

/**
 * Takes a sealed block one step further: sends its anchor, finds it on chain, replaces a stuck transaction, waits for
 * confirmations and commits, sends again when a reorganisation took the anchor away, and makes the block void when the
 * chain can no longer take it. Every state is on disk before the next step, so it may be called again after a crash.
 * @throws NotariumError `chain-unreachable` and the other codes of {@link Chain}: call again later.
 */
export async function advanceBlock(parts: CentreParts, block: StoredBlock, lease: Lease): Promise<BlockStep> {
  const { store, chain } = parts;
  const { height, slot } = block.header;
  const found = await chain.findAnchor(height, block.hash, { slot });
  if (found) return await confirm(parts, block, found, lease);
  if (block.state === 'anchored') {
    await store.updateBlock(
      height,
      { state: 'submitted', anchor: null },
      {
        lease,
        event: event(parts, 'alert', { code: 'anchor-vanished', height, hash: block.hash, anchor: block.anchor }),
      },
    );
    return 'waiting';
  }
  const submission = readSubmission(block.submission);
  // Without its proof nothing of the block has left this process: its records are simply sealed again.
  if (submission === undefined) return await makeVoid(parts, block, 'interrupted before it was sent', lease);
  if (await isTooLate(parts, slot)) return await makeVoid(parts, block, 'its time to be anchored has passed', lease);
  return await send(parts, block, submission, lease);
}

async function confirm(parts: CentreParts, block: StoredBlock, found: FoundAnchor, lease: Lease): Promise<BlockStep> {
  const { store, clock, metrics, settings } = parts;
  const { height } = block.header;
  const { confirmations, ...anchor } = found;
  if (block.state !== 'anchored' || block.anchor?.transactionHash !== anchor.transactionHash) {
    const moved = block.state === 'anchored';
    await store.updateBlock(height, moved ? { anchor } : { state: 'anchored', anchor }, {
      lease,
      event: event(parts, 'block.anchored', { height, hash: block.hash, anchor }),
    });
    await parts.replication?.announceAnchored(height, block.hash);
    if (!moved) metrics.anchorSeconds.observe((clock.nowMs() - block.sealedMs) / 1000);
  }
  if (confirmations < settings.confirmations) return 'waiting';
  const startMs = clock.nowMs();
  await store.commitBlock(height, {
    lease,
    event: event(parts, 'block.committed', {
      height,
      hash: block.hash,
      treeSize: block.header.treeSize,
      count: block.count,
    }),
  });
  metrics.commitSeconds.observe((clock.nowMs() - startMs) / 1000);
  await noteGas(parts, found.transactionHash);
  return 'committed';
}

/** The block is in the log: no figure is worth a failure now. */
async function noteGas({ chain, metrics, logger }: CentreParts, transaction: Hash): Promise<void> {
  try {
    const status = await chain.transactionStatus(transaction);
    if (status.status === 'mined') metrics.anchorGas.set(Number(status.gasUsed));
  } catch (error) {
    logger.debug({ err: error, transaction }, 'the gas of an anchor is not known');
  }
}

/** Whether the contract would refuse the block now, by the chain's time and ours. */
async function isTooLate(parts: CentreParts, slot: number): Promise<boolean> {
  const deadlineMs = slotStartMs(slot + 1, parts.periodSeconds) + parts.graceSeconds * 1000;
  if (parts.clock.nowMs() < deadlineMs) return false;
  const { latestSeconds, pendingSeconds } = await parts.chain.chainTime();
  return 1000 * Math.max(latestSeconds, pendingSeconds ?? 0) >= deadlineMs;
}

async function makeVoid(parts: CentreParts, block: StoredBlock, why: string, lease: Lease): Promise<BlockStep> {
  const { height, slot } = block.header;
  await parts.store.voidBlock(height, {
    lease,
    event: event(parts, 'block.void', { height, slot, hash: block.hash, count: block.count, why }),
  });
  parts.metrics.voids.inc();
  parts.logger.warn({ height, slot, why }, 'block void: its records go first into the next one');
  return 'void';
}

async function send(parts: CentreParts, block: StoredBlock, submission: Submission, lease: Lease): Promise<BlockStep> {
  const { store, chain, clock, logger, metrics, settings } = parts;
  const { header } = block;
  const { transaction: sent, sentMs = 0 } = submission;
  const status = sent && (await chain.transactionStatus(sent.hash));
  // Mined but not found: either a block further on shows it, or it failed. Only a failure needs another one.
  if (status?.status === 'mined' && status.succeeded) return 'waiting';
  const isStuck = status?.status === 'pending' && clock.nowMs() - sentMs >= settings.replaceAfterMs;
  if (status?.status === 'pending' && !isStuck) return 'waiting';

  const previous = header.height > 1 ? await store.block(header.height - 1) : undefined;
  const request: AnchorRequest = {
    header,
    ...(previous ? { previous: previous.header } : {}),
    proof: proofBytes(submission),
    signatures: block.signatures,
  };
  const onSigned = async (transaction: SentTransaction): Promise<void> => {
    const submitted = submissionJson({ ...submission, transaction, sentMs: clock.nowMs() });
    await store.updateBlock(header.height, { state: 'submitted', submission: submitted }, { lease });
  };
  try {
    if (isStuck) {
      await chain.replaceAnchor(sent!, request, { onSigned });
      metrics.replacements.inc();
      logger.warn({ height: header.height, stuckMs: clock.nowMs() - sentMs }, 'anchor transaction replaced');
    } else {
      await chain.submitAnchor(request, { onSigned });
    }
  } catch (error) {
    if (!isNotariumError(error, 'chain-anchor-rejected')) throw error;
    return await rejected(parts, block, error, lease);
  }
  return 'waiting';
}

/** The contract refuses the block. Most reasons are final; that the slot has not begun on chain is not. */
async function rejected(
  parts: CentreParts,
  block: StoredBlock,
  error: NotariumError,
  lease: Lease,
): Promise<BlockStep> {
  const reason = String(error.data.error ?? 'unknown');
  if (reason === 'SlotEarly') return 'waiting';
  if (reason === 'SlotLate' || reason === 'EpochMismatch' || reason === 'PublisherMismatch') {
    return await makeVoid(parts, block, `the contract refuses it: ${reason}`, lease);
  }
  if (reason === 'HeightTaken' || reason === 'HeightGap' || reason === 'ParentMismatch') {
    // Another block stands there. Which one decides what to do: adoptAnchored.ts.
    return await makeVoid(parts, block, `the chain has another history: ${reason}`, lease);
  }
  throw error;
}

function event(parts: CentreParts, type: string, data: NewEvent['data']): NewEvent {
  return { type, time: new Date(parts.clock.nowMs()).toISOString(), data };
}
