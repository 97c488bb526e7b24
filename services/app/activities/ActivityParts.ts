import type { Activity } from '../../core/activities/activity.ts';
import type { Address, Hash } from '../../core/bytes.ts';
import type { Sealer } from '../../lib/activities/seal.ts';
import type { Net } from '../../net/Net.ts';
import type { Activities } from './Activities.ts';
import type { ActivityHost } from './ActivityHost.ts';
import type { BodyChecks } from './bodies/BodyChecks.ts';
import type { Damage } from './Damage.ts';
import type { DatedDoubt } from './exchange/Doubts.ts';
import type { PeerBytes } from './exchange/PeerBytes.ts';
import type { PeerReads } from './exchange/PeerReads.ts';
import type { Refusals } from './exchange/Refusals.ts';
import type { FileFetches } from './FileFetches.ts';
import type { Unread } from './Unread.ts';
import type { Uploads } from './Uploads.ts';

/** What the verbs of this folder work with; built once in openActivities.ts. */
export type ActivityParts = ActivityHost & {
  readonly activities: Activities;
  readonly sealer: Sealer;
  /** Where files are kept. */
  readonly uploads: Uploads | undefined;
  readonly fetches: FileFetches;
  /** Once there is one. */
  net?: Net;
  /** What members have here that nobody has looked at. */
  readonly unread: Unread;
  /** Bodies by the schema of their activity, and field by field. */
  readonly bodies: BodyChecks;
  /** What members have read here by their requests. */
  readonly peerReads: PeerReads;
  /** What is damaged on the disk, and passed over. */
  readonly damage: Damage;
  /** What others were refused. */
  readonly refusals: Refusals;
  /** What is in memory of what this node has fetched. */
  readonly fetched: PeerBytes;
  /** Something was put on the disk for these members. */
  readonly wake: (members: readonly Address[]) => void;
  /** A message of this activity was taken. */
  readonly changed: (activity: Hash) => void;
  /** Resolves when it is known what was said before this node was started, or that cannot be found out in time. */
  readonly caughtUp: (activity: Hash) => Promise<void>;
  /** Whether that would take time. */
  readonly isBehind: (activity: Activity) => Promise<boolean>;
  /** What this node has to say to messages that were taken meanwhile, it says then. */
  readonly answerLater: (activity: Hash, messages: readonly Hash[]) => void;
  /** The members have changed: certificates may be possible now. */
  readonly certifyLater: (activity: Hash) => void;
  /** Which members see an activity in another way. */
  readonly doubts: (activity: Hash) => ReadonlyMap<Address, DatedDoubt>;
  /** This member and this node have met two seals of one message. */
  readonly disputed: (activity: Hash, member: Address) => void;
  /** A member has signed one message in two ways: that stays so, whatever it says later. */
  readonly signedTwice: (activity: Hash, member: Address) => void;
  /** A record was put on the disk. */
  readonly submit: () => void;
};
