import { LRUCache } from 'lru-cache';
import type { ChannelChain } from '../../chain/channels/ChannelChain.ts';
import type { Hash } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import type { MemoryTree } from '../../core/log/memoryTree.ts';
import { hashBytes } from '../../core/sha256.ts';
import type { ChannelStore } from '../../store/channels/ChannelStore.ts';
import type { ChannelDesk, DeskProblem, DeskTerms } from './ChannelDesk.ts';
import type { EvidenceDesk } from './evidence/EvidenceDesk.ts';
import type { EvidencePolicy } from './evidence/evidencePolicy.ts';
import { leavesOf, loadEvidenceTree, makeChannelReceipt } from './makeChannelReceipt.ts';
import type { Settlement } from './Settlement.ts';
import type { Verifier } from './Verifier.ts';

/** Evidence trees kept for receipts, in bytes. */
const treeBytes = 64 << 20;

/** What the desk is made of. */
export type VerifierDeskParts = {
  readonly verifier: Verifier;
  readonly evidence: EvidenceDesk;
  readonly store: ChannelStore;
  readonly chain: ChannelChain;
  readonly settlement: Settlement;
  readonly policy: EvidencePolicy;
  readonly safetySeconds: number;
};

/** A verifier as its HTTP side sees it. */
export function verifierDesk(parts: VerifierDeskParts): ChannelDesk {
  const { verifier, evidence, store, chain, settlement, policy, safetySeconds } = parts;
  const trees = new LRUCache<string, MemoryTree>({ maxSize: treeBytes });
  const treeOf = async (channelId: Hash, size: number): Promise<MemoryTree> => {
    const name = `${channelId} ${size}`;
    const known = trees.get(name);
    if (known) return known;
    const tree = await loadEvidenceTree(leavesOf(store, channelId), size).catch((error: unknown) => {
      if (!(error instanceof RangeError)) throw error;
      // Bills were paid after the backup that this comes from: the requester has them, and its receipts.
      throw new NotariumError('evidence-not-found', 'the verifier was restored from a backup: it lacks paid bills', {
        cause: error,
      });
    });
    trees.set(name, tree, { size: Math.max(1, 2 * hashBytes * size) });
    return tree;
  };
  const terms: DeskTerms = {
    network: chain.network,
    verifier: chain.account!,
    tokens: policy.tokens,
    challengeSeconds: policy.challengeSeconds,
    leastDeposit: policy.leastDeposit,
    billSeconds: policy.billSeconds,
    safetySeconds,
    prices: policy.prices,
    closing: policy.closing,
    evidence: { ...policy.evidence, hook: undefined },
  };
  return {
    terms: () => terms,
    known: (channelId) => verifier.known(channelId),
    accept: async (channelId) => (await verifier.look(channelId)).party.channel,
    channel: (channelId) => verifier.channel(channelId),
    show: (channelId, view) => verifier.show(channelId, view),
    bills: (channelId, requests, signal) => verifier.bills(channelId, requests, signal),
    async update(update) {
      const answer = await verifier.update(update);
      settlement.touch(update.channelId);
      return answer;
    },
    withdraw: (channelId, billId) => verifier.withdraw(channelId, billId),
    async close(request) {
      const answer = await verifier.close(request);
      settlement.touch(request.channelId);
      return answer;
    },
    evidence: (channelId, from, limit) => verifier.evidence(channelId, from, limit),
    async receipt(channelId, digest) {
      const { party, memory } = await verifier.look(channelId);
      const end = memory.state === 'settled' ? await chain.settlement(channelId) : undefined;
      const size = end?.evidenceCount ?? memory.ledger.evidence.size;
      const [row] = await store.billsOf(channelId, digest, ['folded']);
      const [bill] = row?.leafIndex === undefined ? [] : await verifier.evidence(channelId, row.leafIndex, 1);
      if (!bill || bill.leafIndex >= size)
        throw new NotariumError('evidence-not-found', undefined, { data: { digest } });
      const { transactionHash = undefined, blockNumber = 0 } = end?.place ?? {};
      return makeChannelReceipt({
        network: chain.network,
        channel: party.channel,
        bill,
        tree: await treeOf(channelId, size),
        latest: memory.latest,
        ...(transactionHash === undefined ? {} : { settlement: { kind: 'settled', transactionHash, blockNumber } }),
      });
    },
    async content(channelId, digest, key) {
      let found = await evidence.content(channelId, digest, key);
      if (!found) {
        // What was paid for a moment ago is not noted beside it yet.
        await verifier.statementsWritten(channelId);
        found = await evidence.content(channelId, digest, key);
      }
      if (!found) throw new NotariumError('evidence-not-found', undefined, { data: { digest } });
      return found;
    },
    uploads: evidence.uploads,
    async problems(): Promise<readonly DeskProblem[]> {
      return settlement.problems();
    },
  };
}
