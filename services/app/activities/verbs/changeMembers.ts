import { membersOf } from '../../../core/activities/activity.ts';
import { leaversOf } from '../../../core/activities/decided.ts';
import type { Member, MemberRole } from '../../../core/activities/members.ts';
import { memberOf } from '../../../core/activities/members.ts';
import type { Hash } from '../../../core/bytes.ts';
import { NotariumError } from '../../../core/errors.ts';
import type { ActivityCaller, Party, SentMessage } from '../ActivityDesk.ts';
import type { ActivityParts } from '../ActivityParts.ts';
import { carriedOut, newEpoch } from '../carriedOut.ts';
import { findParty, keyOf, memberOfParty } from '../parties.ts';
import { sendAlways, sendIn } from '../sendIn.ts';

/** Who comes and who goes. */
export type AskedMembers = {
  readonly add?: readonly { readonly party: Party; readonly role: MemberRole }[];
  readonly remove?: readonly Party[];
};

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
  const removed = (asked.remove ?? []).map((party) => findParty(parts, party).address);
  return await sendIn(parts, by, id, (activity) => {
    const { members } = membersOf(activity);
    const known = added.find(({ address }) => memberOf(membersOf(activity), address));
    if (known) throw new NotariumError('request-invalid', `${known.address} is a member already`);
    const stranger = removed.find((address) => !memberOf(membersOf(activity), address));
    if (stranger) throw new NotariumError('request-invalid', `${stranger} is no member`);
    if (added.length + removed.length === 0) throw new NotariumError('request-invalid', 'nobody comes and nobody goes');
    return newEpoch(activity, [...members.filter(({ address }) => !removed.includes(address)), ...added]);
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

/** Tells the members of an activity the key that this node has now. Answers false where they know it. */
export async function changeOwnKey(parts: ActivityParts, id: Hash): Promise<boolean> {
  const { signer, activities, keys } = parts;
  const key = keyOf(parts, signer.address);
  const isNew = (member: Member | undefined): boolean => member !== undefined && member.key !== key;
  // One that it cannot open with would shut it out.
  if (key === undefined || !keys.some(({ publicKey }) => publicKey === key)) return false;
  const activity = await activities.find(id);
  if (!activity || !isNew(memberOf(membersOf(activity), signer.address))) return false;
  await sendAlways(parts, id, (now) =>
    newEpoch(
      now,
      membersOf(now).members.map((member) => (member.address === signer.address ? { ...member, key } : member)),
    ),
  );
  return true;
}
