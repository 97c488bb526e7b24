import { membersOf } from '../../../core/activities/activity.ts';
import { memberOf } from '../../../core/activities/members.ts';
import type { Hash } from '../../../core/bytes.ts';
import { NotariumError } from '../../../core/errors.ts';
import type { ActivityCaller, AskedMember, Party, SentMessage } from '../ActivityDesk.ts';
import type { ActivityParts } from '../ActivityParts.ts';
import { findMember, memberOfParty } from '../parties.ts';
import { sendIn } from '../sendIn.ts';

/** See `ActivityDesk.propose`. */
export async function propose(
  parts: ActivityParts,
  by: ActivityCaller,
  id: Hash,
  asked: { readonly add: AskedMember } | { readonly remove: Party },
): Promise<SentMessage> {
  const add = 'add' in asked ? memberOfParty(parts, asked.add.party, asked.add.role) : undefined;
  return await sendIn(parts, by, id, (activity) => {
    const membership = membersOf(activity);
    if (add && memberOf(membership, add.address))
      throw new NotariumError('request-invalid', `${add.address} is a member already`);
    if (!('remove' in asked)) return { head: { type: 'proposal', change: { add: add! } } };
    const { address, role } = findMember(parts, membership, asked.remove);
    if (role === 'initiator') throw new NotariumError('activity-role', 'the initiator can only leave by itself');
    return { head: { type: 'proposal', change: { remove: address } } };
  });
}
