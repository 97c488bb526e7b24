import { type Activity, leaversOf, membersOf } from '../../core/activities/activity.ts';
import { type Member, sortedMembers } from '../../core/activities/members.ts';
import { maxMerged } from '../../core/activities/message.ts';
import { changedMembers } from '../../core/activities/takeMembers.ts';
import type { Hash } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { type Draft, newSalt } from './Draft.ts';

/** The message that makes these the members: a new epoch. */
export function newEpoch(
  activity: Activity,
  members: readonly Member[],
  why: { readonly proposal?: { readonly id: Hash; readonly votes: Hash[] }; readonly left?: Hash[] } = {},
): Draft {
  const { epoch } = membersOf(activity);
  return {
    head: {
      type: 'members',
      terms: activity.terms,
      membership: { epoch: epoch + 1, previous: activity.group, members: sortedMembers(members) },
      secret: newSalt(),
      ...why,
      heads: activity.heads.slice(0, maxMerged),
    },
  };
}

/** Carries a proposal out. @throws NotariumError `activity-message-early` where there is no such proposal. */
export function carriedOut(activity: Activity, id: Hash): Draft {
  const proposal = activity.proposals.get(id);
  if (!proposal) throw new NotariumError('activity-message-early', 'no such proposal', { data: { id } });
  const votes = [...proposal.votes.values()].flatMap((vote) => (vote.approve ? [vote.id] : []));
  return newEpoch(activity, changedMembers(membersOf(activity).members, proposal.change), { proposal: { id, votes } });
}

/** Lets go those who have said that they leave. */
export function withoutLeavers(activity: Activity): Draft {
  const leavers = leaversOf(activity);
  const rest = membersOf(activity).members.filter(({ address }) => !leavers.has(address));
  return newEpoch(activity, rest, { left: [...leavers.values()] });
}
