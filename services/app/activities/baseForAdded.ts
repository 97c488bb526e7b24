import { type Activity, membersOf, nextNumber, recipientsOf } from '../../core/activities/activity.ts';
import type { Body } from '../../core/activities/contents.ts';
import { type FieldBody, type PackedFields, readFields } from '../../core/activities/fields.ts';
import { type Member, memberOf } from '../../core/activities/members.ts';
import type { HeadOf } from '../../core/activities/message.ts';
import { pointerOf } from '../../core/activities/pointer.ts';
import type { Hash } from '../../core/bytes.ts';
import type { Crypto } from '../../core/crypto.ts';
import { isNotariumError } from '../../core/errors.ts';
import { packFields } from '../../lib/activities/fieldDigests.ts';
import { randomHash } from '../../lib/randomHash.ts';
import { messageOf } from './Activities.ts';
import type { ActivityParts } from './ActivityParts.ts';
import { addedBy } from './addedBy.ts';
import type { Draft } from './Draft.ts';

/**
 * What a member that is not given what was before begins with: where the activity stands, said once more by who has added it, to all members
 * of the new epoch. Without it the new member could not build on anything until somebody else does.
 * @returns Nothing where versions are in conflict: the next merge does the same.
 */
export async function baseForAdded(
  { store, bodies, signer, crypto }: Pick<ActivityParts, 'store' | 'bodies' | 'signer' | 'crypto'>,
  activity: Activity,
  head: HeadOf<'members'>,
): Promise<Draft[]> {
  const [version, ...rivals] = activity.heads;
  if (activity.terms.rules.history || head.sender !== signer.address) return [];
  const added = addedBy(activity, head).filter(({ address }) => memberOf(membersOf(activity), address));
  if (added.length === 0 || (version !== undefined && wasSaidTo(activity, version, added, head))) return [];
  const stored = version === undefined || rivals.length > 0 ? undefined : await store.message(version);
  if (!stored) return [];
  const message = messageOf(stored);
  const { body, attachments } = message;
  const said = await bodies.read(signer.address, message);
  return [
    {
      head: { type: 'update', builds: [stored.id], number: nextNumber([activity.versions.get(stored.id)!.number]) },
      // With other salts, so that nobody can tell by the commitments what was said before.
      body: 'sdJwt' in body ? await inSameFields(body, said, crypto) : plain(said),
      attachments: { salt: randomHash(), list: attachments.list },
    },
  ];
}

/** Whether a version has been sent to them since they were added. */
function wasSaidTo(activity: Activity, id: Hash, added: readonly Member[], head: HeadOf<'members'>): boolean {
  const version = activity.versions.get(id)!;
  const to = recipientsOf(activity, version);
  const { epoch } = activity.epochs.get(version.group)!.membership;
  return epoch >= head.membership.epoch && added.every(({ address }) => to.includes(address));
}

/** With the same fields hidden; whole, to members alone, where another program has made fields of what this one cannot. */
async function inSameFields(body: FieldBody, said: unknown, crypto: Crypto): Promise<Body | PackedFields> {
  const fields = readFields(body, crypto).shown.map(pointerOf);
  try {
    return await packFields(said, { fields, crypto });
  } catch (error) {
    if (!isNotariumError(error, 'activity-body-invalid')) throw error;
    return plain(said);
  }
}

function plain(said: unknown): Body {
  return { salt: randomHash(), body: said as never };
}
