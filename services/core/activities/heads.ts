import type { Hash } from '../bytes.ts';
import type { Activity, OpenedEpoch, Placed, Version } from './activity.ts';
import { grown } from './grown.ts';
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

type Ids = ReadonlyMap<Hash, true>;

/** By what heads were found: gone on with where another version comes, else each of thousands would cost as much as all before it. */
type Tally = {
  readonly counted: Ids;
  /** By what counts. Some of it may not be known. */
  readonly replaced: Ids;
  /** By the epochs. */
  readonly named: Ids;
};

const tallies = new WeakMap<readonly Hash[], Tally>();

/** Versions whose place nothing has taken, in the order of their ids. */
export function headsOf(activity: Activity): readonly Hash[] {
  const { versions } = activity;
  const named = new Map<Hash, true>();
  for (const { heads } of pathTo(activity.epochs, activity.group)) for (const id of heads) named.set(id, true);
  const next: Hash[] = [...named.keys()];
  const isIn = stayingUntil(activity.epochs, activity.group);
  for (const version of versions.values()) if (isOfThisStay(activity, version) && isIn(version)) next.push(version.id);
  const tally = { counted: new Map<Hash, true>(), replaced: new Map<Hash, true>(), named };
  for (const { id, builds } of uncounted(versions, tally.counted, next)) {
    tally.counted.set(id, true);
    for (const before of builds) tally.replaced.set(before, true);
  }
  const heads = [...tally.counted.keys()].filter((id) => !tally.replaced.has(id)).toSorted();
  tallies.set(heads, tally);
  return heads;
}

/**
 * Who was added again, and does not know what was meanwhile, has versions from before: whether something has taken their place the others know,
 * who name what has not.
 */
function isOfThisStay({ epochs, since }: Activity, { group }: Version): boolean {
  return (epochs.get(group)?.membership.epoch ?? 0) >= since;
}

/** These, and all that they build on, but for what is counted already. */
function uncounted(versions: Activity['versions'], counted: Ids, ids: readonly Hash[]): Iterable<Version> {
  const fresh = new Map<Hash, Version>();
  const next = [...ids];
  for (let id = next.pop(); id !== undefined; id = next.pop()) {
    const version = versions.get(id);
    if (!version || counted.has(id) || fresh.has(id)) continue;
    fresh.set(id, version);
    next.push(...version.builds);
  }
  return fresh.values();
}

/** Heads after one more version, where nothing else has changed. */
export function headsAfter(before: Activity, after: Activity, version: Version): readonly Hash[] {
  const { heads } = before;
  const tally = tallies.get(heads);
  if (!tally) return headsOf(after);
  const { id } = version;
  // Who came in later may have what builds on it already.
  const countsByItself = isOfThisStay(after, version) && hasStayed(after, version);
  if (!tally.replaced.has(id) && !tally.named.has(id) && !countsByItself) return heads;
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
  return goneOn(before.heads, { ...tally, named: withIds(tally.named, epoch.heads) }, after.versions, epoch.heads);
}

/** Heads where these count as well. Whoever goes on from the state before finds its own: what is made of it may come to nothing. */
function goneOn(
  heads: readonly Hash[],
  { counted, replaced, named }: Tally,
  versions: Activity['versions'],
  ids: readonly Hash[],
): readonly Hash[] {
  const fresh = [...uncounted(versions, counted, ids)];
  const gone = fresh.flatMap(({ builds }) => builds);
  const come = fresh.map(({ id }) => id);
  const tally = { counted: withIds(counted, come), replaced: withIds(replaced, gone), named };
  const changed = [...heads];
  for (const id of gone) {
    const place = placeIn(changed, id);
    if (changed[place] === id) changed.splice(place, 1);
  }
  for (const id of come) if (!tally.replaced.has(id)) changed.splice(placeIn(changed, id), 0, id);
  tallies.set(changed, tally);
  return changed;
}

function withIds(known: Ids, ids: readonly Hash[]): Ids {
  return ids.reduce((all, id) => (all.has(id) ? all : grown(all, id, true as const)), known);
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
