import type { ChannelFacts } from '../../../../services/app/channels/ChannelFacts.ts';
import type { EvidenceKeeper } from '../../../../services/app/channels/EvidenceKeeper.ts';
import { Requester } from '../../../../services/app/channels/Requester.ts';
import type { EvidenceItem, RequesterParts } from '../../../../services/app/channels/RequesterParts.ts';
import { Verifier } from '../../../../services/app/channels/Verifier.ts';
import type { VerifierApi } from '../../../../services/app/channels/VerifierApi.ts';
import type { VerifierParts } from '../../../../services/app/channels/VerifierParts.ts';
import { aggregateRoot } from '../../../../services/core/aggregate.ts';
import { concat, fromHex, type Hash, toHex } from '../../../../services/core/bytes.ts';
import { jsonWithAmounts } from '../../../../services/core/channels/amount.ts';
import type { StatementRole } from '../../../../services/core/channels/statement.ts';
import {
  billAnswerSchema,
  billRequestsSchema,
  type ChannelView,
  channelViewSchema,
  closeAnswerSchema,
  closeRequestSchema,
  foldedBillSchema,
  updateAnswerSchema,
  updateSchema,
} from '../../../../services/core/channels/update.ts';
import { NotariumError } from '../../../../services/core/errors.ts';
import { systemClock } from '../../../../services/lib/clock.ts';
import { silentLogger } from '../../../../services/lib/logger.ts';
import type { ChannelStore } from '../../../../services/store/channels/ChannelStore.ts';
import type { NewestStates } from '../../../../services/store/channels/NewestStates.ts';
import { alice, billKey, bob, crypto, hashOf, network, parties } from '../../core/channels/channelKit.ts';

/** What is uploaded here is a text; its digest is that of the text. */
export const memoryEvidence = (): EvidenceKeeper & { kept: Map<Hash, readonly StatementRole[]> } => {
  const kept = new Map<Hash, readonly StatementRole[]>();
  return {
    kept,
    async judge(_, uploads) {
      if (uploads.some((upload) => upload.startsWith('refused'))) throw new NotariumError('evidence-refused');
      const { digest, count } = itemOf(uploads);
      return { digest, count, kind: count === 1 ? 'content' : 'pack', sizeBytes: 1, locator: '', price: 10n };
    },
    async keep(items) {
      for (const { bill, statements } of items)
        kept.set(
          bill.digest,
          statements.map(({ role }) => role),
        );
    },
    requireHere: async () => undefined,
    isKept: async ({ bill, statements }) => kept.get(bill.digest)?.length === statements.length,
    async release(_, digest) {
      kept.delete(digest);
    },
  };
};

/** Evidence of texts, as both sides know it. */
export function itemOf(uploads: readonly string[], maxAmount = 10n): EvidenceItem {
  const digests = uploads.map(hashOf);
  const digest = digests.length === 1 ? digests[0]! : toHex(aggregateRoot(concat(...digests.map(fromHex))));
  return { uploads, digest, count: uploads.length, maxAmount };
}

/** What a verifier keeps apart, for as long as the process lives. */
export const memoryStates = (): NewestStates => {
  const views = new Map<Hash, ChannelView>();
  return {
    channels: async () => [...views.keys()],
    newest: async (channelId) => views.get(channelId),
    async save(states) {
      for (const { channelId, view } of states) {
        if (view) views.set(channelId, view);
        else views.delete(channelId);
      }
    },
    close: async () => undefined,
  };
};

/** The chain as the exchange sees it: one channel, opened with an amount. */
export const memoryChain = (held: bigint): ChannelFacts & { heldNow: bigint } => {
  const { verifier } = parties(1n, held);
  return {
    heldNow: held,
    async opening(channelId) {
      return channelId === verifier.channelId ? { channel: verifier.channel, held: this.heldNow } : undefined;
    },
    async held() {
      return this.heldNow;
    },
    timestamp: async () => Math.floor(systemClock.nowMs() / 1000),
  };
};

/** The verifier as it is seen through a wire of JSON; `trouble` may throw before and after each call. */
export function throughWire(api: VerifierApi, trouble: (call: string, when: 'before' | 'after') => void = () => {}) {
  const json = (value: unknown): unknown => JSON.parse(jsonWithAmounts(value));
  const call = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    trouble(name, 'before');
    const answer = await work();
    trouble(name, 'after');
    return answer;
  };
  const wired: VerifierApi = {
    channel: (id) => call('channel', async () => channelViewSchema.parse(json(await api.channel(id)))),
    show: (id, view) =>
      call('show', async () => channelViewSchema.parse(json(await api.show(id, channelViewSchema.parse(json(view)))))),
    bills: (id, requests) =>
      call('bills', async () =>
        billAnswerSchema.array().parse(json(await api.bills(id, billRequestsSchema.parse(json(requests))))),
      ),
    withdraw: (id, billId) => call('withdraw', () => api.withdraw(id, billId)),
    update: (update) =>
      call('update', async () => updateAnswerSchema.parse(json(await api.update(updateSchema.parse(json(update)))))),
    close: (request) =>
      call('close', async () =>
        closeAnswerSchema.parse(json(await api.close(closeRequestSchema.parse(json(request))))),
      ),
    evidence: (id, from, limit) =>
      call('evidence', async () => foldedBillSchema.array().parse(json(await api.evidence(id, from, limit)))),
  };
  return wired;
}

export const verifierParts = (store: ChannelStore, more: Partial<VerifierParts> = {}): VerifierParts => ({
  ...{
    network,
    signer: bob,
    keyOf: billKey,
    store,
    states: memoryStates(),
    chain: memoryChain(1_000_000n),
    evidence: memoryEvidence(),
  },
  touch: () => undefined,
  settings: { safetySeconds: 60, billSeconds: 3600, checkTerms: () => undefined },
  ...{ crypto, clock: systemClock, logger: silentLogger },
  ...more,
});

export const requesterParts = (
  store: ChannelStore,
  api: VerifierApi,
  more: Partial<RequesterParts> = {},
): RequesterParts => ({
  ...{ network, channel: parties(1n, 1_000_000n).requester.channel, signer: alice, store, api },
  chain: memoryChain(1_000_000n),
  touch: () => undefined,
  settings: { safetySeconds: 60, maxLockSeconds: 7200, retryMs: 1, maxRetryMs: 20 },
  ...{ crypto, clock: systemClock, logger: silentLogger },
  ...more,
});

export const newVerifier = (store: ChannelStore, more: Partial<VerifierParts> = {}) =>
  new Verifier(verifierParts(store, more));
export const newRequester = (store: ChannelStore, api: VerifierApi, more: Partial<RequesterParts> = {}) =>
  Requester.open(requesterParts(store, api, more));
