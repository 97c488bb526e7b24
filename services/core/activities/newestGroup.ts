import type { Hash } from '../bytes.ts';
import type { Activity, OpenedEpoch, OpeningRight } from './activity.ts';
import { memberOf } from './members.ts';
import { pathTo } from './pathTo.ts';

/** What an epoch is worth against another one of the same members. */
const strengths: Record<OpeningRight, number> = { initiator: 4, proposal: 3, leave: 2, key: 1 };

/** What follows from an epoch: where it leads to, and the strongest decision on the way. */
type Branch = { readonly epoch: OpenedEpoch; readonly tip: Hash; readonly strength: number };

/**
 * The newest members. Several changes of the same members make branches; of these holds
 * 1. the one in which the strongest decision was made, at whatever time the others come: so nobody makes a weaker one undone by a change
 *    of older members;
 * 2. of equally strong ones not that of a sender whom another one of them has removed;
 * 3. of several by one sender one that removes somebody: it may not have known of that any more, from a backup;
 * 4. the one with the lower proposal, or else message: for a proposal was voted on, and nobody can choose its id afterwards.
 */
export function newestGroup({ epochs, leaves }: Pick<Activity, 'epochs' | 'leaves'>): Hash {
  const branches = new Map<Hash, Branch[]>();
  const byAge = [...epochs].toSorted(([, a], [, b]) => b.membership.epoch - a.membership.epoch);
  let newest: Branch | undefined;
  for (const [group, epoch] of byAge) {
    const next = holding(epochs, branches.get(group) ?? []);
    const own = hasTheWord({ epochs, leaves }, epoch) ? strengths[epoch.right] : 0;
    const branch: Branch = { epoch, tip: next?.tip ?? group, strength: Math.max(own, next?.strength ?? 0) };
    const { previous } = epoch.membership;
    const rivals = branches.get(previous);
    if (rivals) rivals.push(branch);
    else if (epochs.has(previous)) branches.set(previous, [branch]);
    // The first one that is known has none before it here; who was away and came back without what was meanwhile begins anew.
    else if (!newest || isLater(epoch, newest.epoch)) newest = branch;
  }
  if (!newest) throw new RangeError('no epoch has none before it');
  return newest.tip;
}

function holding(epochs: Activity['epochs'], rivals: readonly Branch[]): Branch | undefined {
  if (rivals.length <= 1) return rivals[0];
  const most = Math.max(...rivals.map(({ strength }) => strength));
  const strongest = rivals.filter(({ strength }) => strength === most);
  const staying = strongest.filter(({ epoch }) =>
    strongest.every(({ tip }) => memberOf(epochs.get(tip)!.membership, epoch.sender)),
  );
  const left = staying.length > 0 ? staying : strongest;
  const removing = new Set(left.flatMap(({ epoch }) => (removes(epochs, epoch) ? [epoch.sender] : [])));
  const kept = left.filter(({ epoch }) => !removing.has(epoch.sender) || removes(epochs, epoch));
  const [first] = kept.toSorted((a, b) => (isFirst(a.epoch, b.epoch) ? -1 : 1));
  return first;
}

function removes(epochs: Activity['epochs'], { membership }: OpenedEpoch): boolean {
  const before = epochs.get(membership.previous)?.membership.members ?? [];
  return before.some(({ address }) => !memberOf(membership, address));
}

function isFirst(one: OpenedEpoch, other: OpenedEpoch): boolean {
  const [a, b] = [one.proposal ?? one.by, other.proposal ?? other.by];
  return a === b ? one.by < other.by : a < b;
}

function isLater(one: OpenedEpoch, other: OpenedEpoch): boolean {
  const more = one.membership.epoch - other.membership.epoch;
  return more > 0 || (more === 0 && one.by < other.by);
}

/** Whoever leaves has no word any more: neither in what follows, nor in another place of what was before, until it is added again. */
function hasTheWord({ epochs, leaves }: Pick<Activity, 'epochs' | 'leaves'>, { sender, membership, by }: OpenedEpoch) {
  for (const leave of leaves.values()) {
    if (leave.sender !== sender) continue;
    if (pathTo(epochs, leave.group).some((epoch) => epoch.by === by)) continue;
    const since = epochs.get(leave.group)!.membership.epoch;
    const wasOut = pathTo(epochs, membership.previous).some(
      (epoch) => epoch.membership.epoch >= since && !memberOf(epoch.membership, sender),
    );
    if (!wasOut) return false;
  }
  return true;
}
