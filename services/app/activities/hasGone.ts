import { type Activity, membersOf } from '../../core/activities/activity.ts';
import { takesPart } from '../../core/activities/decided.ts';
import { memberOf } from '../../core/activities/members.ts';
import type { Address } from '../../core/bytes.ts';

/** Whether a node has said that it leaves, and was not added again since: also where it has not been let go. */
export function hasGone(activity: Activity, own: Address): boolean {
  if (takesPart(activity, own)) return false;
  const isIn = memberOf(membersOf(activity), own) !== undefined;
  return isIn || [...activity.leaves.values()].some(({ sender }) => sender === own);
}
