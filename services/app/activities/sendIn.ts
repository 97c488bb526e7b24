import { type Activity, leaversOf } from '../../core/activities/activity.ts';
import { isForked } from '../../core/activities/forks.ts';
import type { Hash } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import type { ActivityCaller, SentMessage } from './ActivityDesk.ts';
import type { ActivityParts } from './ActivityParts.ts';
import { withoutLeavers } from './carriedOut.ts';
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
  return await parts.activities.alone(id, async () => {
    const activity = (await parts.activities.current(id))!;
    const step = new Step(parts, id, activity);
    const leavers = leaversOf(activity);
    // Who is to let them go may be away: nothing more is sealed to them all the same.
    if (leavers.size > 0 && !leavers.has(parts.signer.address)) await step.send(withoutLeavers(activity));
    const draft = await make(step.activity!);
    // What it is about, one member reads in another way than the next.
    if (isForked(activity) && draft.head.type !== 'leave')
      throw new NotariumError('activity-forked', 'its initiator has begun it twice', { data: { activity: id } });
    const message = await step.send(draft);
    await step.commit();
    return { activity: id, message };
  });
}
