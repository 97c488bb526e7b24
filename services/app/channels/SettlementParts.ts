import type { ChannelChain } from '../../chain/channels/ChannelChain.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { ClosingPolicy } from './closingPolicy.ts';
import type { SettlementSide } from './SettlementSide.ts';
import type { SettlementMetrics } from './settlementMetrics.ts';

/** How a settlement behaves. */
export type SettlementSettings = {
  /** Pause between two looks at the chain. */
  readonly pollMs: number;
  /** Least time before a deadline at which a transaction is sent; more where the chain has been slow. */
  readonly safetySeconds: number;
  /** The same as long as no transaction of this process has shown how slow the chain is; `safetySeconds` where it is left out. */
  readonly untriedSeconds?: number;
  /**
   * How long the other side is left to settle, or to hand in an agreement to close, where this one has not asked for the end: both would
   * pay for gas, one for nothing. 0 for a side that is alone.
   */
  readonly otherFirstSeconds: number;
  /** How long the other side is asked to close together before this one closes alone, and how often. */
  readonly togetherSeconds: number;
  readonly askAgainSeconds: number;
  /** Pause after a duty that failed. */
  readonly retrySeconds: number;
  /** Every channel is looked at this often though nothing has happened. */
  readonly sweepSeconds: number;
  /** Channels that are seen to at the same time. */
  readonly atOnce: number;
};

/** See {@link SettlementSettings}. */
export const defaultSettlementSettings: SettlementSettings = {
  pollMs: 2_000,
  safetySeconds: 120,
  otherFirstSeconds: 0,
  togetherSeconds: 600,
  askAgainSeconds: 60,
  retrySeconds: 10,
  sweepSeconds: 600,
  atOnce: 64,
};

/** What a settlement is made of. */
export type SettlementParts = {
  readonly chain: ChannelChain;
  readonly side: SettlementSide;
  readonly logger: Logger;
  readonly policy?: ClosingPolicy;
  readonly settings?: Partial<SettlementSettings>;
  readonly clock?: Clock;
  readonly metrics?: SettlementMetrics;
};
