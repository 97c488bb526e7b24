import type { PeerId } from '@libp2p/interface';
import type { Address } from '../core/bytes.ts';
import type { Logger } from '../lib/logger.ts';
import type { NetLimits } from './Net.ts';
import type { NetMetrics } from './netMetrics.ts';

/** What gossip needs of the network. */
export type GossipContext = {
  readonly limits: NetLimits;
  readonly metrics: NetMetrics;
  readonly logger: Logger;
  /** Prefix of the topics, which keeps networks apart. */
  readonly prefix: string;
  readonly addressOf: (peerId: PeerId) => Address | undefined;
  readonly payBytes: (peer: Address, count: number, signal: AbortSignal) => Promise<void>;
  /** Waits until the peer may send more messages. */
  readonly payMessages: (peer: Address, count: number, signal: AbortSignal) => Promise<void>;
  readonly blame: (peer: Address, reason: string, points: number) => void;
  readonly closing: AbortSignal;
};
