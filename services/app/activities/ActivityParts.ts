import type { Address, Hash } from '../../core/bytes.ts';
import type { Sealer } from '../../lib/activities/seal.ts';
import type { Net } from '../../net/Net.ts';
import type { Activities } from './Activities.ts';
import type { ActivityHost } from './ActivityHost.ts';
import type { DatedDoubt } from './exchange/Doubts.ts';

/** What the verbs of this folder work with; built once in openActivities.ts. */
export type ActivityParts = ActivityHost & {
  readonly activities: Activities;
  readonly sealer: Sealer;
  /** Once there is one. */
  net?: Net;
  /** Something was put on the disk for these members. */
  readonly wake: (members: readonly Address[]) => void;
  /** A message of this activity was taken. */
  readonly changed: (activity: Hash) => void;
  /** Which members see an activity in another way. */
  readonly doubts: (activity: Hash) => ReadonlyMap<Address, DatedDoubt>;
  /** This member and this node have met two beginnings of an activity, by different nodes. */
  readonly disputed: (activity: Hash, member: Address) => void;
  /** A record was put on the disk. */
  readonly submit: () => void;
};
