import { isNotariumError } from '../../../core/errors.ts';
import type { Delivery } from '../../../store/activities/ActivityStore.ts';
import type { ActivityParts } from '../ActivityParts.ts';
import { copyFor } from '../copyFor.ts';
import { keyOf } from '../parties.ts';
import { envelopeItem, isSealedTo } from './envelopeItems.ts';

type Queued = Delivery & { readonly item: Uint8Array };

/** What waits for a member, sealed to the key that it has now: it may have taken another one since. */
export async function sealedAnew(parts: ActivityParts, queued: Queued): Promise<Queued> {
  const { store, activities, logger } = parts;
  const { member, sealDigest, activity: id, message } = queued;
  const key = keyOf(parts, member);
  if (!key || isSealedTo(queued.item, key)) return queued;
  try {
    const [stored, activity] = await Promise.all([store.message(message), activities.find(id)]);
    if (!stored || !activity) return queued;
    const item = envelopeItem(copyFor(parts, { stored, activity, key }));
    await store.replaceQueued(member, sealDigest, { sealDigest, activity: id, message, item });
    return { ...queued, item };
  } catch (error) {
    if (!isNotariumError(error, 'party-unfit') && !isNotariumError(error, 'activity-store-corrupt')) throw error;
    logger.warn({ err: error, peer: member }, 'a message could not be sealed to the new key of a member');
    return queued;
  }
}
