import type { BillKey, SettlementSide, SignedClosing } from '../../services/app/channels/SettlementSide.ts';
import type { ChannelEvent } from '../../services/chain/channels/ChannelEvent.ts';
import type { Hash } from '../../services/core/bytes.ts';
import type { SignedHistory } from './channels.ts';

/** One side of some channels that keeps all in memory, and what its settlement has told it. */
export type SettlingSide = SettlementSide & {
  readonly told: ChannelEvent[];
  readonly gone: ChannelEvent[];
  readonly statuses: string[];
  readonly stale: { have: number; chain: number }[];
  readonly asked: string[];
  /** How often each channel was looked at. */
  readonly looks: ReadonlyMap<Hash, number>;
  readonly closings: Map<Hash, SignedClosing>;
  /** Takes a channel on; it has states up to a version only, where one is given. */
  add(history: SignedHistory, upTo?: number): void;
};

export function settlingSide(role: SettlementSide['role'], changes: Partial<SettlementSide> = {}): SettlingSide {
  const channels = new Map<Hash, { history: SignedHistory; upTo: number }>();
  const closings = new Map<Hash, SignedClosing>();
  const told: ChannelEvent[] = [];
  const gone: ChannelEvent[] = [];
  const statuses: string[] = [];
  const stale: { have: number; chain: number }[] = [];
  const asked: string[] = [];
  const looks = new Map<Hash, number>();
  let cursor: Awaited<ReturnType<SettlementSide['cursor']>>;
  const newest = (channelId: Hash) => {
    const { history, upTo } = channels.get(channelId)!;
    return history.states.filter(({ state }) => state.version <= upTo).at(-1);
  };
  return {
    role,
    told,
    gone,
    statuses,
    stale,
    asked,
    looks,
    closings,
    add: (history, upTo = Number.POSITIVE_INFINITY) => void channels.set(history.channelId, { history, upTo }),
    channels: async () => [...channels.values()].map(({ history: { channelId, channel } }) => ({ channelId, channel })),
    channel: async (channelId) => channels.get(channelId)?.history,
    async newestState(channelId) {
      looks.set(channelId, (looks.get(channelId) ?? 0) + 1);
      return newest(channelId);
    },
    content: async (channelId, version) => channels.get(channelId)!.history.content(version),
    signedClosing: async (channelId) => closings.get(channelId),
    async keys(channelId): Promise<BillKey[]> {
      if (role === 'requester') return [];
      const { history } = channels.get(channelId)!;
      const { locks = [] } = history.content(newest(channelId)?.state.version ?? 0) ?? {};
      const open = new Set(locks.map(({ keyHash }) => keyHash));
      return history.bills
        .filter(({ bill }) => open.has(bill.keyHash))
        .map(({ key, bill: { expiry } }) => ({ key, expiry }));
    },
    async facts(channelId) {
      const { state } = newest(channelId) ?? {};
      const { requesterBalance = 0n, verifierBalance = 0n, evidenceCount = 0 } = state ?? {};
      return { evidenceCount, openedAt: 0, requesterBalance, verifierBalance };
    },
    askNewest: async (channelId) => void asked.push(`newest ${channelId}`),
    askClosing: async (channelId) => void asked.push(`closing ${channelId}`),
    cursor: async () => cursor,
    async saveCursor(block) {
      cursor = block;
    },
    onChain: async (event) => void told.push(event),
    onGone: async (event) => void gone.push(event),
    onStatus: async (_channelId, { status }) => void statuses.push(status),
    onStale: async (_channelId, versions) => void stale.push(versions),
    ...changes,
  };
}
