import type { Activity } from '../../core/activities/activity.ts';
import type { Hash } from '../../core/bytes.ts';
import type { ActivityCaller, SentMessage } from './ActivityDesk.ts';
import type { ActivityParts } from './ActivityParts.ts';
import type { Draft } from './Draft.ts';
import { requireStored } from './requireActivity.ts';
import { Step } from './Step.ts';

/** Sends a message in an activity of the caller's, made from where that stands when it is its turn; on the disk when this resolves. */
export async function sendIn(
  parts: ActivityParts,
  by: ActivityCaller,
  id: Hash,
  make: (activity: Activity) => Promise<Draft> | Draft,
): Promise<SentMessage> {
  await requireStored(parts.store, by, id);
  return await sendAlways(parts, id, make);
}

/** As {@link sendIn}, for the node itself. */
export async function sendAlways(
  parts: ActivityParts,
  id: Hash,
  make: (activity: Activity) => Promise<Draft> | Draft,
): Promise<SentMessage> {
  return await parts.activities.change(id, async (activity) => {
    const step = new Step(parts, id, activity);
    const message = await step.send(await make(activity!));
    await step.commit();
    return { activity: id, message };
  });
}
