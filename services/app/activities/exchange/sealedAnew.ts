import { isNotariumError } from '../../../core/errors.ts';
import type { Delivery } from '../../../store/activities/ActivityStore.ts';
import type { ActivityParts } from '../ActivityParts.ts';
import { copyFor } from '../copyFor.ts';
import { keyOf } from '../parties.ts';

type Queued = Delivery & { readonly text: string };

/** What waits for a member, sealed to the key that it has now: it may have taken another one since. */
export async function sealedAnew(parts: ActivityParts, queued: Queued): Promise<Queued> {
  const { store, activities, logger } = parts;
  const { member, sealDigest, activity: id, message } = queued;
  const key = keyOf(parts, member);
  // The keys stand in it as text, and nothing else there has quotes around so many digits.
  if (!key || queued.text.includes(`"${key}"`)) return queued;
  const [stored, activity] = await Promise.all([store.message(message), activities.find(id)]);
  if (!stored || !activity) return queued;
  try {
    const text = JSON.stringify(copyFor(parts, { stored, activity, key }));
    await store.replaceQueued(member, sealDigest, { sealDigest, activity: id, message, text });
    return { ...queued, text };
  } catch (error) {
    if (!isNotariumError(error, 'party-unfit')) throw error;
    logger.warn({ err: error, peer: member }, 'the new key of a member is none');
    return queued;
  }
}
