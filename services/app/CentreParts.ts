import type { Chain } from '../chain/Chain.ts';
import type { Network } from '../core/eip712.ts';
import { NotariumError } from '../core/errors.ts';
import type { Signer } from '../core/signature.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { NativeCrypto } from '../lib/nativeCrypto.ts';
import type { Store } from '../store/Store.ts';
import type { ClockGuard } from './ClockGuard.ts';
import type { CentreMetrics } from './metrics.ts';
import type { Problems } from './Problems.ts';
import type { RegistryWatch } from './RegistryWatch.ts';
import type { Replication } from './replication/Replication.ts';

/** Numbers that an operator may set. */
export type CentreSettings = {
  /** Confirmations before a block counts as committed. */
  readonly confirmations: number;
  /** Slots ahead that an acceptance promises inclusion by. */
  readonly promiseSlots: number;
  /** Records that may wait for a block. */
  readonly poolLimit: number;
  /** Part of the pool limit up to which other centres may fill the pool: the rest is for this centre's own clients. */
  readonly othersPoolPart: number;
  /** Part of the pool limit that one other centre may fill. */
  readonly peerPoolPart: number;
  /** Records in one block at most. */
  readonly maxBlockRecords: number;
  /** A transaction that is in no block after this time is replaced with higher fees. */
  readonly replaceAfterMs: number;
  /** Most committed blocks that a reorganisation may take; more lost anchors mean that the chain is another one. */
  readonly maxLostAnchors: number;
  /** How often the publisher looks at its slot and its block. */
  readonly tickMs: number;
  /** How often chain and clock are looked at when there is nothing to publish; not more often than once a period. */
  readonly watchMs: number;
  /** What has to be done about a proposal each centre does so much later than the one before it, where that one does not. */
  readonly dutyStepMs: number;
  /** Whether this centre executes what has passed by itself. */
  readonly autoExecute: boolean;
  /** Threads that check records; as many as processors when left out. */
  readonly threads?: number;
};

/** Settings that suit a local chain with a period of a few seconds. */
export const defaultSettings: CentreSettings = {
  confirmations: 1,
  promiseSlots: 60,
  poolLimit: 1_000_000,
  othersPoolPart: 3 / 4,
  peerPoolPart: 1 / 2,
  maxBlockRecords: 200_000,
  replaceAfterMs: 15_000,
  maxLostAnchors: 64,
  tickMs: 100,
  watchMs: 2_000,
  dutyStepMs: 15_000,
  autoExecute: true,
};

/**
 * Settings with their defaults. A block is sealed when the one before has its confirmations, so a promise must reach
 * further than they do; by default twice as far, with a chain that has a block in each slot.
 * @throws NotariumError `config-invalid` where promises could not be kept.
 */
export function settingsOf(given: Partial<CentreSettings> = {}): CentreSettings {
  const { confirmations = defaultSettings.confirmations } = given;
  const { promiseSlots = Math.max(defaultSettings.promiseSlots, 2 * confirmations + 10) } = given;
  if (promiseSlots <= confirmations) {
    throw new NotariumError(
      'config-invalid',
      `a promise of ${promiseSlots} slots, with ${confirmations} confirmations`,
      {
        data: { promiseSlots, confirmations },
      },
    );
  }
  return { ...defaultSettings, ...given, confirmations, promiseSlots };
}

/** What the verbs of this folder work with; built once in openCentre.ts. */
export type CentreParts = {
  readonly network: Network;
  readonly periodSeconds: number;
  readonly graceSeconds: number;
  readonly store: Store;
  readonly chain: Chain;
  readonly signer: Signer;
  readonly crypto: NativeCrypto;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settings: CentreSettings;
  readonly problems: Problems;
  readonly metrics: CentreMetrics;
  readonly clockGuard: ClockGuard;
  readonly registry: RegistryWatch;
  /** The other centres; undefined while this one is alone. */
  readonly replication: Replication | undefined;
};
