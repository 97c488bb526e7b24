import type { Hash } from '../bytes.ts';
import type { Activity, OpenedEpoch, Placed, Version } from './activity.ts';
import { memberOf } from './members.ts';
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

/** By what heads were found: gone on with where another version comes, else each of thousands would cost as much as all before it. */
type Tally = {
  readonly counted: Set<Hash>;
  /** By what counts. Some of it may not be known. */
  readonly replaced: Set<Hash>;
  /** By the epochs. */
  readonly named: Set<Hash>;
};

const tallies = new WeakMap<readonly Hash[], Tally>();

/** Versions whose place nothing has taken, in the order of their ids. */
export function headsOf(activity: Activity): readonly Hash[] {
  const { versions } = activity;
  const named = new Set(pathTo(activity.epochs, activity.group).flatMap(({ heads }) => heads));
  const next: Hash[] = [...named];
  const isIn = stayingUntil(activity.epochs, activity.group);
  for (const version of versions.values()) if (isIn(version)) next.push(version.id);
  const tally: Tally = { counted: new Set(), replaced: new Set(), named };
  count(versions, tally, next);
  const heads = [...tally.counted].filter((id) => !tally.replaced.has(id)).toSorted();
  tallies.set(heads, tally);
  return heads;
}

/** Counts these, and all that they build on; answers what had not been counted. */
function count(versions: Activity['versions'], { counted, replaced }: Tally, ids: readonly Hash[]): Version[] {
  const fresh: Version[] = [];
  const next = [...ids];
  for (let id = next.pop(); id !== undefined; id = next.pop()) {
    const version = versions.get(id);
    if (!version || counted.has(id)) continue;
    counted.add(id);
    fresh.push(version);
    for (const before of version.builds) {
      replaced.add(before);
      next.push(before);
    }
  }
  return fresh;
}

/** Heads after one more version, where nothing else has changed. */
export function headsAfter(before: Activity, after: Activity, version: Version): readonly Hash[] {
  const { heads } = before;
  const tally = tallies.get(heads);
  if (!tally) return headsOf(after);
  const { id } = version;
  // Who came in later may have what builds on it already.
  if (!tally.replaced.has(id) && !tally.named.has(id) && !hasStayed(after, version)) return heads;
  return goneOn(heads, tally, after.versions, [id]);
}

/** Heads after one more epoch, which comes after the one that was the newest. */
export function headsAfterEpoch(before: Activity, after: Activity, epoch: OpenedEpoch): readonly Hash[] {
  const tally = tallies.get(before.heads);
  // What was counted of who goes may not count any more.
  if (
    !tally ||
    before.epochs.get(before.group)!.membership.members.some(({ address }) => !memberOf(epoch.membership, address))
  )
    return headsOf(after);
  for (const id of epoch.heads) tally.named.add(id);
  return goneOn(before.heads, tally, after.versions, epoch.heads);
}

/** Heads where these count as well. */
function goneOn(
  heads: readonly Hash[],
  tally: Tally,
  versions: Activity['versions'],
  ids: readonly Hash[],
): readonly Hash[] {
  // Whoever goes on from the state before has to find its own.
  tallies.delete(heads);
  const fresh = count(versions, tally, ids);
  const changed = [...heads];
  for (const gone of fresh.flatMap(({ builds }) => builds)) {
    const place = placeIn(changed, gone);
    if (changed[place] === gone) changed.splice(place, 1);
  }
  for (const { id: come } of fresh) if (!tally.replaced.has(come)) changed.splice(placeIn(changed, come), 0, come);
  tallies.set(changed, tally);
  return changed;
}

/** Where it stands in a sorted list, or would. */
function placeIn(sorted: readonly Hash[], id: Hash): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < id) low = middle + 1;
    else high = middle;
  }
  return low;
}
