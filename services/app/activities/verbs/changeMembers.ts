import { type Activity, membersOf } from '../../../core/activities/activity.ts';
import { leaversOf } from '../../../core/activities/decided.ts';
import { memberOf } from '../../../core/activities/members.ts';
import type { Hash, Hex } from '../../../core/bytes.ts';
import { NotariumError } from '../../../core/errors.ts';
import type { ActivityCaller, AskedMembers, SentMessage } from '../ActivityDesk.ts';
import type { ActivityParts } from '../ActivityParts.ts';
import { carriedOut, newEpoch } from '../carriedOut.ts';
import { findMember, keyOf, memberOfParty } from '../parties.ts';
import { sendAlways, sendIn } from '../sendIn.ts';

/** See `ActivityDesk.changeMembers`. */
export async function changeMembers(
  parts: ActivityParts,
  by: ActivityCaller,
  id: Hash,
  asked: AskedMembers | { readonly proposal: Hash },
): Promise<SentMessage> {
  if ('proposal' in asked) {
    const { proposal } = asked;
    return await sendIn(parts, by, id, (activity) => carriedOut(activity, proposal), { carriesOut: proposal });
  }
  const added = (asked.add ?? []).map(({ party, role }) => ({ party, member: memberOfParty(parts, party, role) }));
  return await sendIn(parts, by, id, (activity) => {
    const membership = membersOf(activity);
    const known = added.find(({ member }) => memberOf(membership, member.address));
    if (known) throw new NotariumError('request-invalid', `${known.party} is a member already`);
    const removed = (asked.remove ?? []).map((party) => findMember(parts, membership, party).address);
    if (added.length + removed.length === 0) throw new NotariumError('request-invalid', 'nobody comes and nobody goes');
    return newEpoch(activity, [
      ...membership.members.filter(({ address }) => !removed.includes(address)),
      ...added.map(({ member }) => member),
    ]);
  });
}

/** See `ActivityDesk.leave`. */
export async function leave(parts: ActivityParts, by: ActivityCaller, id: Hash): Promise<SentMessage> {
  const { signer } = parts;
  return await sendIn(parts, by, id, (activity) => {
    const leavers = leaversOf(activity);
    const rest = membersOf(activity).members.filter(
      ({ address }) => address !== signer.address && !leavers.has(address),
    );
    if (rest.length === 0) throw new NotariumError('activity-role', 'the last member cannot leave');
    return { head: { type: 'leave' } };
  });
}

/** Tells the members of an activity the key that this node has now, where they have another one. */
export async function changeOwnKey(parts: ActivityParts, id: Hash): Promise<void> {
  const { signer, activities } = parts;
  const activity = await activities.find(id);
  const key = activity && otherKey(parts, activity);
  if (key === undefined) return;
  await sendAlways(parts, id, (now) =>
    newEpoch(
      now,
      membersOf(now).members.map((member) => (member.address === signer.address ? { ...member, key } : member)),
    ),
  );
}

/** The key that this node has now, where the members of an activity have another one. */
export function otherKey(parts: ActivityParts, activity: Activity): Hex | undefined {
  const { signer, keys } = parts;
  const own = memberOf(membersOf(activity), signer.address);
  const key = keyOf(parts, signer.address);
  // One that it cannot open with would shut it out.
  const isUsable = keys.some(({ publicKey }) => publicKey === key);
  return own && isUsable && own.key !== key ? key : undefined;
}
