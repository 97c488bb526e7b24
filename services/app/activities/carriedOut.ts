import { type Activity, membersOf } from '../../core/activities/activity.ts';
import { changedMembers, decidedIn, leaversOf } from '../../core/activities/decided.ts';
import { isForked } from '../../core/activities/forks.ts';
import { lostChange } from '../../core/activities/lostChange.ts';
import { type Member, maxMembers, memberOf, sortedMembers } from '../../core/activities/members.ts';
import { maxNamed } from '../../core/activities/message.ts';
import type { Address, Hash } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { randomHash } from '../../lib/randomHash.ts';
import type { Draft } from './Draft.ts';

/** The message that makes these the members: a new epoch. @throws NotariumError `request-invalid` where there are too many of them. */
export function newEpoch(
  activity: Activity,
  members: readonly Member[],
  why: { readonly proposal?: { readonly id: Hash; readonly votes: Hash[] }; readonly left?: Hash[] } = {},
): Draft {
  if (members.length > maxMembers) throw new NotariumError('request-invalid', `more than ${maxMembers} members`);
  const { epoch } = membersOf(activity);
  const membership = { epoch: epoch + 1, previous: activity.group, members: sortedMembers(members) };
  const { heads, versions } = activity;
  // Those of members that go count only where they are named.
  const isOfWhoGoes = (id: Hash): boolean => !memberOf(membership, versions.get(id)!.sender);
  return {
    head: {
      ...{ type: 'members', terms: activity.terms, membership, secret: randomHash(), origin: activity.origin },
      ...why,
      heads: [...heads.filter(isOfWhoGoes), ...heads.filter((id) => !isOfWhoGoes(id))].slice(0, maxNamed),
    },
  };
}

/** Carries a proposal out. @throws NotariumError `activity-message-early` where there is no such proposal. */
export function carriedOut(activity: Activity, id: Hash): Draft {
  const proposal = activity.proposals.get(id);
  if (!proposal) throw new NotariumError('activity-message-early', 'no such proposal', { data: { id } });
  const approving = new Map<Address, Hash>();
  for (const [vote, { approve, sender }] of proposal.votes) if (approve) approving.set(sender, vote);
  const members = changedMembers(membersOf(activity).members, proposal.change);
  return newEpoch(activity, members, { proposal: { id, votes: [...approving.values()] } });
}

/** Lets go those who have said that they leave. */
export function withoutLeavers(activity: Activity): Draft {
  const leavers = leaversOf(activity);
  const rest = membersOf(activity).members.filter(({ address }) => !leavers.has(address));
  return newEpoch(activity, rest, { left: [...leavers.values()] });
}

/** Something that is decided and not done yet, and who does it first: all others only when it does not. */
export type Due = {
  readonly by: Address;
  readonly draft: () => Draft;
  readonly takesAway: boolean;
  readonly of?: Hash;
};

/** What a member can do of all that is decided, in its order; each makes another epoch. */
export function dueFor(activity: Activity, own: Address): Due[] {
  const { leavers, proposals } = decidedIn(activity);
  const { members } = membersOf(activity);
  if (!members.some(({ address }) => address === own) || leavers.has(own)) return [];
  const staying = members.filter(({ address }) => !leavers.has(address));
  const due: Due[] =
    leavers.size > 0 ? [{ by: firstOf(staying), draft: () => withoutLeavers(activity), takesAway: true }] : [];
  if (isForked(activity)) return due;
  for (const id of proposals) {
    const { change, sender } = activity.proposals.get(id)!;
    const gone = 'remove' in change ? change.remove : undefined;
    // Nobody opens an epoch without being in it; and who is to come waits until there is a place.
    if (gone === own || (gone === undefined && members.length >= maxMembers)) continue;
    const able = staying.filter(({ address }) => address !== gone);
    const by = able.some(({ address }) => address === sender) ? sender : firstOf(able);
    due.push({ by, draft: () => carriedOut(activity, id), takesAway: gone !== undefined, of: id });
  }
  const again = madeAgain(activity, own, leavers);
  return again ? [...due, again] : due;
}

/** What the initiator has changed itself and another change of its own has made undone, at once. */
function madeAgain(activity: Activity, own: Address, leavers: ReadonlyMap<Address, Hash>): Due | undefined {
  if (activity.origin.initiator !== own) return undefined;
  const { added, removed } = lostChange(activity, own);
  const gone = removed.filter((address) => !leavers.has(address));
  const members = [...membersOf(activity).members.filter(({ address }) => !gone.includes(address)), ...added];
  if (added.length + gone.length === 0 || members.length > maxMembers) return undefined;
  return { by: own, draft: () => newEpoch(activity, members), takesAway: gone.length > 0 };
}

/** One of them, the same for everybody, so that not all do it at once. */
function firstOf(members: readonly Member[]): Address {
  const byRole = (role: Member['role']) => members.find((member) => member.role === role);
  return (byRole('initiator') ?? byRole('receiver') ?? members[0]!).address;
}
