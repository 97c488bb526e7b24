import type { Activity } from '../../core/activities/activity.ts';
import type { Hash } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import type { StoredActivity } from '../../store/activities/ActivityStore.ts';
import type { ActivityCaller } from './ActivityDesk.ts';
import type { ActivityParts } from './ActivityParts.ts';
import { hasGone } from './hasGone.ts';

/** An activity as it is kept, and as its messages make it. */
export type FoundActivity = { readonly stored: StoredActivity; readonly activity: Activity };

type Parts = Pick<ActivityParts, 'store' | 'activities' | 'damage' | 'signer'>;

/** @throws NotariumError `activity-unknown`, also for one that the caller may not see: it learns nothing of it. */
export async function requireActivity(parts: Parts, by: ActivityCaller, id: Hash): Promise<FoundActivity> {
  const stored = await requireStored(parts, by, id);
  const activity = await parts.activities.find(id, stored);
  if (!activity) throw unknown(id);
  return { stored, activity };
}

/**
 * As {@link requireActivity}, without reading its messages. Who asks for it has looked at it; one that this node has left stays bounded as those
 * that nobody has looked at are.
 */
export async function requireStored(parts: Parts, by: ActivityCaller, id: Hash): Promise<StoredActivity> {
  const { store, activities, damage, signer } = parts;
  const stored = await store.activity(id);
  if (!stored || (by.client !== undefined && stored.owner !== by.client)) throw unknown(id);
  if (stored.isRead) return stored;
  const activity = await damage.passOver(activities.find(id, stored));
  if (!activity || !hasGone(activity, signer.address)) await store.setRead(id);
  return stored;
}

/** @throws NotariumError `forbidden` for a client. */
export function requireOperator(by: ActivityCaller): void {
  if (by.client !== undefined) throw new NotariumError('forbidden', 'only the operator may');
}

function unknown(activity: Hash): NotariumError {
  return new NotariumError('activity-unknown', undefined, { data: { activity } });
}
