import { membersOf } from '../../../core/activities/activity.ts';
import { memberOf } from '../../../core/activities/members.ts';
import type { Hash } from '../../../core/bytes.ts';
import { NotariumError } from '../../../core/errors.ts';
import type { ActivityCaller, AskedMember, Party, SentMessage } from '../ActivityDesk.ts';
import type { ActivityParts } from '../ActivityParts.ts';
import { findParty, memberOfParty } from '../parties.ts';
import { sendIn } from '../sendIn.ts';

/** See `ActivityDesk.propose`. */
export async function propose(
  parts: ActivityParts,
  by: ActivityCaller,
  id: Hash,
  asked: { readonly add: AskedMember } | { readonly remove: Party },
): Promise<SentMessage> {
  const change =
    'add' in asked
      ? { add: memberOfParty(parts, asked.add.party, asked.add.role) }
      : { remove: findParty(parts, asked.remove).address };
  return await sendIn(parts, by, id, (activity) => {
    const membership = membersOf(activity);
    const party = 'add' in change ? change.add.address : change.remove;
    const member = memberOf(membership, party);
    if ('add' in change && member) throw new NotariumError('request-invalid', `${party} is a member already`);
    if ('remove' in change && !member) throw new NotariumError('request-invalid', `${party} is no member`);
    if ('remove' in change && member?.role === 'initiator')
      throw new NotariumError('activity-role', 'the initiator can only leave by itself');
    return { head: { type: 'proposal', change } };
  });
}
