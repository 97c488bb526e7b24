import type { Address, Hash } from '../bytes.ts';
import type { Activity, Placed, Version } from './activity.ts';
import { memberOf } from './members.ts';
import { pathTo } from './pathTo.ts';

/**
 * Whether the sender of a message is in every epoch on the way to the newest, from where that way and the one to the epoch of the message part.
 * What somebody has sent who left meanwhile counts only where it is built on, or named as seen by the change of members: else it would count for
 * those alone whom it reached in time.
 */
export function hasStayed(activity: Activity, placed: Placed): boolean {
  return staying(activity)(placed);
}

/** As {@link hasStayed}, for many messages: the way to the newest epoch is gone once for each sender and each epoch. */
function staying({ epochs, group: newest }: Activity): (placed: Placed) => boolean {
  const path = pathTo(epochs, newest);
  const places = new Map(path.map((epoch, at) => [epoch, at]));
  const lastOut = new Map<Address, number>();
  const firstOf = new Map<Hash, number>();
  // The epoch's own number says nothing: who was removed may open any number of them in a branch that does not hold.
  const firstAfter = (group: Hash): number => {
    let epoch = epochs.get(group);
    const own = epoch && places.get(epoch);
    if (own !== undefined) return own;
    while (epoch && !places.has(epoch)) epoch = epochs.get(epoch.membership.previous);
    return epoch ? places.get(epoch)! + 1 : 0;
  };
  return ({ sender, group }) => {
    const out = lastOut.get(sender) ?? path.findLastIndex(({ membership }) => !memberOf(membership, sender));
    lastOut.set(sender, out);
    const first = firstOf.get(group) ?? firstAfter(group);
    firstOf.set(group, first);
    return out < first;
  };
}

/** Versions whose place nothing has taken, in the order of their ids. */
export function headsOf(activity: Activity): Hash[] {
  const { versions } = activity;
  const counted = new Set<Hash>();
  const next: Hash[] = pathTo(activity.epochs, activity.group).flatMap(({ heads }) => heads);
  const isIn = staying(activity);
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
