import { isKnownTo } from '../../../core/activities/haveMet.ts';
import type { Address, Hash } from '../../../core/bytes.ts';
import type { ActivityParts } from '../ActivityParts.ts';

/** Whether an activity is here, and somebody knows that without being told, as far as is known here. */
export async function knowsOf(
  { activities, signer }: Pick<ActivityParts, 'activities' | 'signer'>,
  id: Hash,
  other: Address,
): Promise<boolean> {
  const activity = await activities.find(id);
  return activity !== undefined && isKnownTo(activity, signer.address, other);
}
