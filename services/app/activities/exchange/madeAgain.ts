import { memberOf } from '../../../core/activities/members.ts';
import type { Address, Hash } from '../../../core/bytes.ts';
import { isNotariumError, type NotariumError } from '../../../core/errors.ts';
import { messageOf } from '../Activities.ts';
import type { ActivityParts } from '../ActivityParts.ts';
import { copyFor } from '../copyFor.ts';
import { keyOf } from '../parties.ts';
import { envelopeItem } from './envelopeItems.ts';

type Lost = { readonly sealDigest: Hash; readonly activity: Hash; readonly message: Hash };

/** Whether what is on its way to a member is damaged on the disk, and not the disk itself. */
export function isLostText(error: unknown): error is NotariumError {
  return isNotariumError(error, 'activity-store-corrupt') && error.data.sealDigest !== undefined;
}

/** What is on its way to a member and damaged is sealed anew of the message; where that is damaged too it is given up, so that the rest goes on. */
export async function madeAgain(parts: ActivityParts, member: Address, error: NotariumError): Promise<void> {
  const { store, logger } = parts;
  const { sealDigest, activity, message } = error.data as Lost;
  logger.error({ err: error, peer: member, activity }, 'what waits for a member is damaged');
  const problem = { code: error.code, detail: error.detail };
  try {
    const item = await itemOf(parts, member, { sealDigest, activity, message });
    if (item) {
      await store.replaceQueued(member, sealDigest, { sealDigest, activity, message, item });
      return;
    }
  } catch (failure) {
    if (!isNotariumError(failure, 'activity-store-corrupt') && !isNotariumError(failure, 'party-unfit')) throw failure;
    logger.error({ err: failure, peer: member, activity }, 'and it cannot be made again: the member will not get it');
  }
  await store.delivered([{ sealDigest, member, state: 'refused', problem }]);
}

async function itemOf(
  parts: ActivityParts,
  member: Address,
  { activity: id, message }: Lost,
): Promise<Uint8Array | undefined> {
  const [stored, activity] = await Promise.all([parts.store.message(message), parts.activities.find(id)]);
  if (!stored || !activity) return undefined;
  const { membership } = activity.epochs.get(messageOf(stored).head.group)!;
  const key = keyOf(parts, member) ?? memberOf(membership, member)?.key;
  return key && envelopeItem(copyFor(parts, { stored, activity, key }));
}
