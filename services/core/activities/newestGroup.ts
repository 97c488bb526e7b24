import type { Address, Hash } from '../bytes.ts';
import type { Activity, OpenedEpoch, OpeningRight } from './activity.ts';
import { type Membership, memberOf } from './members.ts';
import { wayTo } from './wayTo.ts';

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
  const wordless = withoutWord(byAge, epochs, leaves);
  let newest: Branch | undefined;
  for (const [group, epoch] of byAge) {
    const next = holding(epochs, branches.get(group) ?? []);
    const own = wordless.has(group) ? 0 : strengths[epoch.right];
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

/**
 * As {@link newestGroup}, after one more epoch: one with the same members, which comes after the newest, makes its branch no weaker and gives no
 * other one a reason; where there is one branch alone, any does. Then no epoch is looked at but the two.
 * @param before What it comes to.
 */
export function newestAfter(
  before: Pick<Activity, 'epochs' | 'group'>,
  after: Pick<Activity, 'epochs' | 'leaves'>,
  group: Hash,
): Hash {
  const { membership } = after.epochs.get(group)!;
  if (membership.previous !== before.group || before.epochs.has(group)) return newestGroup(after);
  const hasOneBranch = wayTo(before.epochs, before.group).length === before.epochs.size;
  return hasOneBranch || hasSameMembers(membership, before.epochs.get(before.group)!.membership)
    ? group
    : newestGroup(after);
}

function hasSameMembers({ members }: Membership, { members: others }: Membership): boolean {
  return members.length === others.length && members.every(({ address }, at) => others[at]!.address === address);
}

function holding(epochs: Activity['epochs'], rivals: readonly Branch[]): Branch | undefined {
  if (rivals.length <= 1) return rivals[0];
  const most = rivals.reduce((max, { strength }) => Math.max(max, strength), 0);
  const strongest = rivals.filter(({ strength }) => strength === most);
  const inTips = new Map<Address, number>();
  for (const { tip } of strongest)
    for (const { address } of epochs.get(tip)!.membership.members) inTips.set(address, (inTips.get(address) ?? 0) + 1);
  const staying = strongest.filter(({ epoch }) => inTips.get(epoch.sender) === strongest.length);
  const left = staying.length > 0 ? staying : strongest;
  const removing = new Set(left.flatMap(({ epoch }) => (removes(epochs, epoch) ? [epoch.sender] : [])));
  const kept = left.filter(({ epoch }) => !removing.has(epoch.sender) || removes(epochs, epoch));
  return kept.reduce((first, other) => (isFirst(other.epoch, first.epoch) ? other : first));
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

/**
 * Epochs by those who have no word any more. Who leaves has none in what follows, nor in another place of what was before, until it is
 * added again: of what it has said before it left, only what its `leave` came after counts. All epochs are gone through once for each who
 * has left, however often it has said so: nobody keeps a member from that.
 */
function withoutWord(byAge: readonly [Hash, OpenedEpoch][], epochs: Activity['epochs'], leaves: Activity['leaves']) {
  const wordless = new Set<Hash>();
  for (const [sender, said] of Map.groupBy(leaves.values(), (leave) => leave.sender)) {
    /** How many of them were said in an epoch, or in one that follows from it. */
    const within = new Map<Hash, number>();
    const add = (group: Hash, count: number) => within.set(group, (within.get(group) ?? 0) + count);
    for (const { group } of said) add(group, 1);
    for (const [group, { membership }] of byAge) add(membership.previous, within.get(group) ?? 0);
    const saidIn = said.map(({ group }) => epochs.get(group)!.membership.epoch).toSorted((a, b) => a - b);
    /** The last epoch up to this one in which it was no member. */
    const lastOut = new Map<Hash, number>();
    for (const [group, { membership, sender: opener }] of byAge.toReversed()) {
      const out = lastOut.get(membership.previous) ?? -1;
      lastOut.set(group, memberOf(membership, sender) ? out : membership.epoch);
      if (opener === sender && countAbove(saidIn, out) > (within.get(group) ?? 0)) wordless.add(group);
    }
  }
  return wordless;
}

/** How many of the numbers, which are in their order, are above that one. */
function countAbove(numbers: readonly number[], bound: number): number {
  let [from, to] = [0, numbers.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (numbers[middle]! > bound) to = middle;
    else from = middle + 1;
  }
  return numbers.length - from;
}
