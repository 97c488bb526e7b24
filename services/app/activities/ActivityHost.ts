import type { Network } from '../../core/eip712.ts';
import type { Signer } from '../../core/signature.ts';
import type { OpeningKey } from '../../lib/activities/seal.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { NativeCrypto } from '../../lib/nativeCrypto.ts';
import type { Net } from '../../net/Net.ts';
import type { ActivityStore } from '../../store/activities/ActivityStore.ts';
import type { BriefResult, Centre } from '../Centre.ts';
import type { Problems } from '../Problems.ts';
import type { RegistryWatch } from '../RegistryWatch.ts';
import type { AttachmentFiles } from './AttachmentFiles.ts';
import type { ActivityMetrics } from './activityMetrics.ts';

/** Numbers that an operator may set. */
export type ActivitySettings = {
  /** A member that cannot be reached is tried again after this time, then after twice as long, … */
  readonly retryMs: number;
  readonly maxRetryMs: number;
  /** Age of a message that has not been delivered at which it is told as a problem. */
  readonly undeliveredMs: number;
  /** Age of a message at which it is told as a problem that the log has no record of it. */
  readonly unrecordedMs: number;
  /** Records go to the log within this time, each at a random moment, so that those of one step do not stand beside one another. */
  readonly recordSpreadMs: number;
  /** Time after the last change of an activity in which its members find out whether all have the same. */
  readonly compareMs: number;
  /** After a start nothing is said in an activity for so long, unless it has been compared with all members: a backup may have been brought back. */
  readonly catchUpMs: number;
  /** Age of what is missing at which it is told as a problem. */
  readonly incompleteMs: number;
  /** How often pending records, held messages and ages are looked at. */
  readonly lookMs: number;
  /** Most time of one request to a member; of a file, of each MiB of it. */
  readonly requestMs: number;
  /** Time that checks of the bodies of one member take here at once, by schemas or in fields; then a tenth of all time. */
  readonly checkMs: number;
  /**
   * Messages of activities that requests of one member may have read from the disk at once, where these are not in memory; then as many in each
   * 40 seconds.
   */
  readonly readMessages: number;
  /** Activities, and bytes of messages, that a member may have here without anybody here having looked at them. */
  readonly unreadActivities: number;
  readonly unreadBytes: number;
  /** Files, and bytes of them, that a client may have put without a message that names them. */
  readonly uploadCount: number;
  readonly uploadBytes: number;
  /** A file that no message names goes after this time. */
  readonly unnamedMs: number;
  /** How often it is looked for such files. */
  readonly collectMs: number;
};

/** See {@link ActivitySettings}. */
export const defaultActivitySettings: ActivitySettings = {
  retryMs: 1_000,
  maxRetryMs: 5 * 60_000,
  undeliveredMs: 24 * 60 * 60_000,
  unrecordedMs: 24 * 60 * 60_000,
  recordSpreadMs: 20_000,
  compareMs: 30_000,
  catchUpMs: 10_000,
  incompleteMs: 60 * 60_000,
  lookMs: 2_000,
  requestMs: 60_000,
  checkMs: 2_000,
  readMessages: 200_000,
  unreadActivities: 100_000,
  unreadBytes: 4 * 2 ** 30,
  uploadCount: 1_024,
  uploadBytes: 64 * 2 ** 30,
  unnamedMs: 24 * 60 * 60_000,
  collectMs: 60 * 60_000,
};

/** What the host gives. */
export type ActivityHost = {
  readonly network: Network;
  readonly signer: Signer;
  readonly crypto: NativeCrypto;
  /** This node's X25519 keys, the newest first: with the older ones it opens what was sealed before. */
  readonly keys: readonly OpeningKey[];
  readonly store: ActivityStore;
  readonly registry: Pick<RegistryWatch, 'nodes'>;
  /** Takes records into the log. */
  readonly accept: (lines: readonly string[]) => Promise<readonly BriefResult[]>;
  /** Finds records in the log. */
  readonly search: Centre['search'];
  /** Whether this process delivers, and asks for what is missing: of several processes of a node one does. */
  readonly onDuty: () => Promise<boolean>;
  /** Calls as soon as there is a network between centres. */
  readonly onJoin: (handler: (net: Net) => void) => void;
  readonly problems: Problems;
  readonly metrics: ActivityMetrics;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settings: ActivitySettings;
  /** Where files are kept, encrypted. Without it messages have none. */
  readonly files?: AttachmentFiles;
};
