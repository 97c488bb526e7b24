import { membersOf } from '../../../core/activities/activity.ts';
import { leaversOf } from '../../../core/activities/decided.ts';
import { memberOf } from '../../../core/activities/members.ts';
import type { Hash } from '../../../core/bytes.ts';
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
  const added = (asked.add ?? []).map(({ party, role }) => memberOfParty(parts, party, role));
  return await sendIn(parts, by, id, (activity) => {
    const membership = membersOf(activity);
    const known = added.find(({ address }) => memberOf(membership, address));
    if (known) throw new NotariumError('request-invalid', `${known.address} is a member already`);
    const removed = (asked.remove ?? []).map((party) => findMember(parts, membership, party).address);
    if (added.length + removed.length === 0) throw new NotariumError('request-invalid', 'nobody comes and nobody goes');
    return newEpoch(activity, [...membership.members.filter(({ address }) => !removed.includes(address)), ...added]);
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
  const { signer, activities, keys } = parts;
  const key = keyOf(parts, signer.address);
  // One that it cannot open with would shut it out.
  if (key === undefined || !keys.some(({ publicKey }) => publicKey === key)) return;
  const activity = await activities.find(id);
  const own = activity && memberOf(membersOf(activity), signer.address);
  if (!own || own.key === key) return;
  await sendAlways(parts, id, (now) =>
    newEpoch(
      now,
      membersOf(now).members.map((member) => (member.address === signer.address ? { ...member, key } : member)),
    ),
  );
}
