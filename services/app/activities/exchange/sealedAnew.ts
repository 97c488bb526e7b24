import type { Activity } from '../../../core/activities/activity.ts';
import type { Envelope } from '../../../core/activities/envelope.ts';
import type { Hash } from '../../../core/bytes.ts';
import { isNotariumError } from '../../../core/errors.ts';
import type { Delivery, StoredMessage } from '../../../store/activities/ActivityStore.ts';
import { messageOf } from '../Activities.ts';
import type { ActivityParts } from '../ActivityParts.ts';
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
    const text = JSON.stringify(await copyFor(parts, { stored, activity, key }));
    await store.replaceQueued(member, sealDigest, { sealDigest, activity: id, message, text });
    return { ...queued, text };
  } catch (error) {
    if (!isNotariumError(error, 'party-unfit')) throw error;
    logger.warn({ err: error, peer: member }, 'the new key of a member is none');
    return queued;
  }
}

/** A message sealed to one key, with the seal that the log has. */
export async function copyFor(
  { sealer }: Pick<ActivityParts, 'sealer'>,
  { stored, activity, key }: { readonly stored: StoredMessage; readonly activity: Activity; readonly key: Hash },
): Promise<Envelope> {
  const message = messageOf(stored);
  const { secret } = activity.epochs.get(message.head.group)!;
  return { sealed: await sealer.seal(message, secret, [{ key }]), original: stored.seal };
}
