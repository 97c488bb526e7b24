import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { StateContent } from '../../chain/channels/ChannelChain.ts';
import type { ChannelEvent as ChainEvent } from '../../chain/channels/ChannelEvent.ts';
import type { Hash } from '../../core/bytes.ts';
import { firstLedger, type Ledger, requesterBalanceOf } from '../../core/channels/ledger.ts';
import type { ChannelEvent } from '../../core/channels/party.ts';
import { ledgerAt } from '../../core/channels/requesterMemory.ts';
import { hashSchema, uintSchema } from '../../core/schemas.ts';
import type { Logger } from '../../lib/logger.ts';
import { writeFileWhole } from '../../lib/writeFileWhole.ts';
import type { ChannelStore } from '../../store/channels/ChannelStore.ts';
import type { ClosingFacts } from './closingPolicy.ts';
import { exchangeEventOf, takenBackOf } from './exchangeEvents.ts';
import type { Requester } from './Requester.ts';
import type { SettlementSide, SettlingChannel } from './SettlementSide.ts';
import type { Verifier } from './Verifier.ts';

/** What both sides need for their settlement. */
export type SideParts = {
  /** Where it is kept how far the chain was read. */
  readonly folder: string;
  readonly store: ChannelStore;
  readonly openedAt: (channelId: Hash) => Promise<number>;
  readonly logger: Logger;
};

const cursorSchema = z.object({ number: uintSchema, hash: hashSchema });
const cursorFile = 'chain-cursor.json';
const page = 256;

/** The duties of a verifier over all its channels. */
export function verifierSide(verifier: Verifier, parts: SideParts): SettlementSide {
  const memory = async (channelId: Hash) => (await verifier.look(channelId)).memory;
  const common = commonSide('verifier', parts, {
    tell: (event) => verifier.onChain(event),
    isClosing: async (channelId) => (await memory(channelId)).state === 'closing',
  });
  return {
    ...common,
    newestState: async (channelId) => (await memory(channelId)).latest,
    async content(channelId, version) {
      const { ledger, held } = await memory(channelId);
      if (version === ledger.version) return contentOf(ledger);
      return version === 0 ? contentOf(firstLedger(held)) : undefined;
    },
    async signedClosing(channelId) {
      const now = await memory(channelId);
      return now.state === 'agreed' ? now.agreed : undefined;
    },
    async keys(channelId) {
      const { party, memory: now } = await verifier.look(channelId);
      return now.ledger.locks
        .filter(({ billId }) => !now.locked.get(billId)?.isCancelled)
        .map(({ billId, expiry }) => ({ key: party.keyOf(billId), expiry }));
    },
    isLeaving: async (channelId) => (await memory(channelId)).state === 'leaving',
    facts: async (channelId) => factsOf((await memory(channelId)).ledger, await parts.openedAt(channelId)),
    onChain: async (event) => {
      if (event.type === 'opened') verifier.announce(event.channelId);
      await common.onChain(event);
    },
    onGone: async (event) => {
      if (event.type === 'opened' || event.type === 'deposited') verifier.doubt(event.channelId);
      await common.onGone(event);
    },
    onStatus: async (channelId, status) => {
      if (status.status === 'none') verifier.doubt(channelId);
      await common.onStatus(channelId, status);
    },
  };
}

/** The duties of the requester of one channel. */
export function requesterSide(requester: Requester, parts: SideParts): SettlementSide {
  return {
    ...commonSide('requester', parts, {
      tell: (event) => requester.onChain(event),
      isClosing: async () => requester.memory.state === 'closing',
    }),
    newestState: async () => requester.memory.latest,
    async content(_channelId, version) {
      const ledger = ledgerAt(requester.memory, version);
      return ledger && contentOf(ledger);
    },
    async signedClosing() {
      const { memory } = requester;
      return memory.state === 'agreed' ? memory.agreed : undefined;
    },
    keys: async () => [],
    isLeaving: async () => requester.memory.state === 'leaving',
    facts: async (channelId) => factsOf(requester.memory.ledger, await parts.openedAt(channelId)),
    askNewest: () => requester.ask(),
    async askClosing() {
      await requester.closeTogether();
    },
  };
}

type Common = Pick<
  SettlementSide,
  'role' | 'channels' | 'channel' | 'cursor' | 'saveCursor' | 'onChain' | 'onGone' | 'onStatus' | 'onStale'
>;

function commonSide(
  role: 'requester' | 'verifier',
  { folder, store, logger }: SideParts,
  exchange: {
    readonly tell: (event: ChannelEvent) => Promise<void>;
    readonly isClosing: (channelId: Hash) => Promise<boolean>;
  },
): Common {
  const { tell, isClosing } = exchange;
  const path = join(folder, cursorFile);
  let saved = 0;
  const told = async (event: ChainEvent): Promise<void> => {
    const taken = exchangeEventOf(event);
    if (taken) await tell(taken);
  };
  return {
    role,
    async channels() {
      const all: SettlingChannel[] = [];
      for (let after: Hash | undefined; ; ) {
        const rows = await store.channels({
          ...{ role, withoutState: 'settled', limit: page },
          ...(after === undefined ? {} : { after }),
        });
        all.push(...rows.map(({ channelId, channel }) => ({ channelId, channel })));
        if (rows.length < page) return all;
        after = rows.at(-1)!.channelId;
      }
    },
    async channel(channelId) {
      const row = await store.channel(channelId);
      return row?.role === role ? { channelId, channel: row.channel } : undefined;
    },
    async cursor() {
      const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        throw error;
      });
      return text === undefined ? undefined : cursorSchema.parse(JSON.parse(text));
    },
    async saveCursor({ number, hash }) {
      // Events may be told again: what a crash takes back costs only reading.
      if (number === saved) return;
      await writeFileWhole(path, JSON.stringify({ number, hash }));
      saved = number;
    },
    onChain: told,
    async onGone(event) {
      const taken = takenBackOf(event);
      if (taken) await tell(taken);
    },
    async onStatus(channelId, status) {
      if (status.status === 'closing') {
        const { version, deadline } = status;
        await tell({ kind: 'closing', channelId, version, deadline });
      }
      // No event says that a closing has gone which none has told, or which was told before a restart.
      if (status.status === 'open' && (await isClosing(channelId))) await tell({ kind: 'reopened', channelId });
    },
    async onStale(channelId, versions) {
      logger.warn(
        { channelId, ...versions },
        'the chain has a newer state of the channel: this side comes from a backup',
      );
    },
  };
}

function contentOf({ locks, evidence }: Ledger): StateContent {
  return { locks, evidence };
}

function factsOf(ledger: Ledger, openedAt: number): ClosingFacts {
  const expiries = ledger.locks.map(({ expiry }) => expiry);
  return {
    evidenceCount: ledger.evidence.size,
    openedAt,
    requesterBalance: requesterBalanceOf(ledger),
    verifierBalance: ledger.verifierBalance,
    ...(expiries.length === 0 ? {} : { earliestExpiry: Math.min(...expiries) }),
  };
}
