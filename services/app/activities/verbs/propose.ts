import type { Hash } from '../../../core/bytes.ts';
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
  return await sendIn(parts, by, id, () => ({ head: { type: 'proposal', change } }));
}
