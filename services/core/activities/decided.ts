import type { Address, Hash } from '../bytes.ts';
import { type Activity, membersOf, type OpenedEpoch, type Placed, type Proposal } from './activity.ts';
import { type Member, type Membership, memberOf, sortedMembers } from './members.ts';
import type { ActivityTerms, MemberChange } from './message.ts';
import { pathTo } from './pathTo.ts';
import { stayingUntil } from './stayingUntil.ts';

/**
 * What is decided, and not done yet. Neither a proposal that enough have approved nor the wish to leave is lost when another change of the
 * members comes between: both hold in all epochs that follow, until they are carried out or have no object any more.
 */
export type Decided = {
  /** Members that want to leave, each with its message. */
  readonly leavers: ReadonlyMap<Address, Hash>;
  /** Ids of approved proposals. */
  readonly proposals: readonly Hash[];
};

/** What is decided in the newest epoch. */
export function decidedIn(activity: Activity): Decided {
  const { proposals, group } = activity;
  const approved = [...proposals].flatMap(([id, proposal]) =>
    isApproved(activity, proposal, proposal.votes.keys(), group) && isOpen(activity, proposal, group) ? [id] : [],
  );
  return { leavers: leaversOf(activity), proposals: approved.toSorted() };
}

/** Whether somebody is a member, and has not said that it leaves. */
export function takesPart(activity: Activity, address: Address): boolean {
  return memberOf(membersOf(activity), address) !== undefined && !leaversOf(activity).has(address);
}

/** Members of the newest epoch that have said that they leave, each with the message. */
export function leaversOf(activity: Pick<Activity, 'epochs' | 'leaves' | 'group'>): Map<Address, Hash> {
  const { leaves, group } = activity;
  const isWanting = wantingToLeave(activity, group);
  const wanting = [...leaves].filter(([, leave]) => isWanting(leave));
  return new Map(wanting.toSorted(([a], [b]) => (a < b ? 1 : -1)).map(([id, { sender }]) => [sender, id]));
}

/**
 * Tells whether somebody who has said that it leaves is in the group since, and still is in this epoch. The way to the epoch is gone once for
 * each who has said so, however often.
 */
export function wantingToLeave({ epochs }: Pick<Activity, 'epochs'>, group: Hash): (leave: Placed) => boolean {
  const isInSince = stayingUntil(epochs, group);
  const way = pathTo(epochs, group);
  // Who was added again without what was meanwhile has a way that begins later: what it knows from before says nothing of it.
  const isWhole = way[0]?.membership.epoch === 0;
  const isBefore = (saidIn: Hash): boolean => isWhole || pathTo(epochs, saidIn).some((epoch) => way.includes(epoch));
  return (leave) => isBefore(leave.group) && isKnownIn(epochs, leave.group, group) && isInSince(leave);
}

/** Whether a proposal can be carried out in this epoch, once it is approved. */
export function isOpen(activity: Pick<Activity, 'epochs'>, proposal: Proposal, group: Hash): boolean {
  return isKnownIn(activity.epochs, proposal.group, group) && hasObject(activity, proposal, group);
}

/** Whether who was to come has never been in since, and who was to go never out. */
export function hasObject({ epochs }: Pick<Activity, 'epochs'>, proposal: Proposal, group: Hash): boolean {
  const { change } = proposal;
  const since = epochs.get(proposal.group)?.membership.epoch;
  if (since === undefined) return false;
  const path = epochsSince(epochs, group, since);
  if (path.length === 0) return false;
  if ('add' in change) return path.every(({ membership }) => !memberOf(membership, change.add.address));
  return path.every(({ membership }) => memberOf(membership, change.remove));
}

/** Whether votes can be cast in this epoch: those who vote are those to whom it was proposed. A new key is no other voter. */
export function isVotedIn({ epochs }: Pick<Activity, 'epochs'>, { group: saidIn }: Placed, group: Hash): boolean {
  const [before, now] = [epochs.get(saidIn)?.membership, epochs.get(group)?.membership];
  if (!before || !now || before.members.length !== now.members.length) return false;
  return before.members.every(({ address, role }) => memberOf(now, address)?.role === role);
}

/**
 * Whether these votes approve a proposal: of those to whom it was put, and of those who are there in this epoch. By the former alone,
 * members could decide by old votes after they have left.
 */
export function isApproved(
  { epochs }: Pick<Activity, 'epochs'>,
  proposal: Proposal,
  votes: Iterable<Hash>,
  group: Hash,
): boolean {
  const approving = new Set<Address>();
  for (const id of votes) {
    const vote = proposal.votes.get(id);
    if (vote?.approve) approving.add(vote.sender);
  }
  return [proposal.group, group].every((each) => {
    const epoch = epochs.get(each);
    return epoch !== undefined && areEnough(epoch.terms, epoch.membership, approving);
  });
}

function areEnough({ rules }: ActivityTerms, { members }: Membership, approving: ReadonlySet<Address>): boolean {
  const voters = members.filter(({ role }) => role !== 'regulator');
  const have = voters.filter(({ address }) => approving.has(address)).length;
  return rules.approval === 'unanimity' ? have === voters.length : 2 * have > voters.length;
}

/** The members after a change. */
export function changedMembers(members: readonly Member[], change: MemberChange): Member[] {
  const address = 'add' in change ? change.add.address : change.remove;
  const others = members.filter((member) => member.address !== address);
  return 'add' in change ? sortedMembers([...others, change.add]) : others;
}

function epochsSince(epochs: Activity['epochs'], group: Hash, since: number): OpenedEpoch[] {
  return pathTo(epochs, group).filter(({ membership }) => membership.epoch >= since);
}

/** Whether all members of an epoch can have what was said in another one. */
function isKnownIn(epochs: Activity['epochs'], saidIn: Hash, group: Hash): boolean {
  const [before, now] = [epochs.get(saidIn), epochs.get(group)];
  if (!before || !now) return false;
  return now.terms.rules.history || now.membership.members.every(({ address }) => memberOf(before.membership, address));
}
