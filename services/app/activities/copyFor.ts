import type { Activity } from '../../core/activities/activity.ts';
import type { Envelope } from '../../core/activities/envelope.ts';
import type { Hash } from '../../core/bytes.ts';
import type { StoredMessage } from '../../store/activities/ActivityStore.ts';
import { messageOf } from './Activities.ts';
import type { ActivityParts } from './ActivityParts.ts';

/** A message for one key, with the seal that the log has. @throws NotariumError `party-unfit`. */
export function copyFor(
  { sealer }: Pick<ActivityParts, 'sealer'>,
  { stored, activity, key }: { readonly stored: StoredMessage; readonly activity: Activity; readonly key: Hash },
): Envelope {
  const message = messageOf(stored);
  const { secret } = activity.epochs.get(message.head.group)!;
  return { sealed: sealer.seal(message, secret, [{ key }]), copy: true };
}
