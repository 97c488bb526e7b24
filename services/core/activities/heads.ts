import type { Hash } from '../bytes.ts';
import type { Activity, Placed, Version } from './activity.ts';
import { pathTo } from './pathTo.ts';
import { stayingUntil } from './stayingUntil.ts';

/**
 * Whether the sender of a message is in every epoch on the way to the newest, from where that way and the one to the epoch of the message part.
 * What somebody has sent who left meanwhile counts only where it is built on, or named as seen by the change of members: else it would count for
 * those alone whom it reached in time.
 */
export function hasStayed(activity: Activity, placed: Placed): boolean {
  return stayingUntil(activity.epochs, activity.group)(placed);
}

/** Versions whose place nothing has taken, in the order of their ids. */
export function headsOf(activity: Activity): Hash[] {
  const { versions } = activity;
  const counted = new Set<Hash>();
  const next: Hash[] = pathTo(activity.epochs, activity.group).flatMap(({ heads }) => heads);
  const isIn = stayingUntil(activity.epochs, activity.group);
  for (const version of versions.values()) if (isIn(version)) next.push(version.id);
  const replaced = new Set<Hash>();
  for (let id = next.pop(); id !== undefined; id = next.pop()) {
    const version = versions.get(id);
    if (!version || counted.has(id)) continue;
    counted.add(id);
    for (const before of version.builds) {
      replaced.add(before);
      next.push(before);
    }
  }
  return [...counted].filter((id) => !replaced.has(id)).toSorted();
}

/** Heads after a version that builds on others; quick where it counts, and all that it builds on has counted before. */
export function headsAfter(before: Activity, after: Activity, version: Version): Hash[] {
  const { heads, since } = before;
  const { id, builds } = version;
  // Of who has come in later something may be here that builds on what is not.
  if (since > 0 || !hasStayed(after, version) || !builds.every((each) => heads.includes(each))) return headsOf(after);
  return [...heads.filter((head) => !builds.includes(head)), id].toSorted();
}
