import type { Activity } from '../../core/activities/activity.ts';
import { isForked } from '../../core/activities/forks.ts';
import type { Address, Hash } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import type { ActivityCaller, SentMessage } from './ActivityDesk.ts';
import type { ActivityParts } from './ActivityParts.ts';
import { type Due, dueFor } from './carriedOut.ts';
import type { Draft } from './Draft.ts';
import { requireStored } from './requireActivity.ts';
import { Step } from './Step.ts';

/** Makes what is said last, from where the activity stands; `send` says something before it. */
type Make = (activity: Activity, send: (draft: Draft) => Promise<Hash>) => Promise<Draft> | Draft;

type SendOptions = {
  /** The proposal that the message itself carries out. */
  readonly carriesOut?: Hash;
};

/** Sends a message in an activity of the caller's, made from where that stands when it is its turn; on the disk when this resolves. */
export async function sendIn(
  parts: ActivityParts,
  by: ActivityCaller,
  id: Hash,
  make: Make,
  options: SendOptions = {},
): Promise<SentMessage> {
  await requireStored(parts, by, id);
  return await sendAlways(parts, id, make, options);
}

/** As {@link sendIn}, for the node itself. */
export async function sendAlways(
  parts: ActivityParts,
  id: Hash,
  make: Make,
  { carriesOut }: SendOptions = {},
): Promise<SentMessage> {
  await parts.caughtUp(id);
  return await parts.activities.change(id, async (current) => {
    const activity = current!;
    const step = new Step(parts, id, activity);
    // Whoever is to do it first may be away: nothing more is sealed to those who leave or are voted out, all the same.
    await doDue(
      step,
      parts.signer.address,
      ({ takesAway, of }) => takesAway && (of === undefined || of !== carriesOut),
    );
    const draft = await make(step.activity!, (before) => step.send(before));
    // What it is about, one member reads in another way than the next.
    if (isForked(activity) && draft.head.type !== 'leave')
      throw new NotariumError('activity-forked', 'its initiator has begun it twice', { data: { activity: id } });
    const message = await step.send(draft);
    await step.commit();
    return { activity: id, message };
  });
}

/** Does what is decided, one after the other, each in the epoch that the one before has made. */
export async function doDue(step: Step, own: Address, isWanted: (due: Due) => boolean): Promise<void> {
  let epoch: Hash | undefined;
  for (;;) {
    const activity = step.activity!;
    const due = dueFor(activity, own).find(isWanted);
    // Where it has made no epoch, it would make none again.
    if (!due || activity.group === epoch) return;
    epoch = activity.group;
    await step.send(due.draft());
  }
}
