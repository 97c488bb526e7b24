import type { Activity } from '../../core/activities/activity.ts';
import { takesPart } from '../../core/activities/decided.ts';
import type { Hash } from '../../core/bytes.ts';
import type { ActivityParts } from './ActivityParts.ts';
import { certificatesOf } from './followUps.ts';
import { Step } from './Step.ts';

/** Certificates that are made in one step. */
export const atOnce = 32;

/**
 * Makes the certificates that are lacking, some at a time and each time as the activity stands by then: a member less may make those of all
 * versions possible.
 * @param isWanted Of which versions this node makes them.
 * @throws NotariumError as `Step`.
 */
export async function certify(
  parts: ActivityParts,
  id: Hash,
  isWanted: (activity: Activity, version: Hash) => boolean,
  signal: AbortSignal,
): Promise<void> {
  const { activities, signer } = parts;
  const lackingIn = (activity: Activity | undefined, versions = activity?.versions.keys() ?? []) => {
    if (!activity || !takesPart(activity, signer.address)) return [];
    return certificatesOf(activity, [...versions], (version) => isWanted(activity, version));
  };
  const lacking = lackingIn(await activities.find(id)).map(({ on }) => on);
  for (let at = 0; at < lacking.length && !signal.aborted; at += atOnce) {
    const some = lacking.slice(at, at + atOnce);
    await activities.change(id, async (activity) => {
      const step = new Step(parts, id, activity);
      for (const { draft } of lackingIn(activity, some.values())) await step.send(draft);
      await step.commit();
    });
  }
}
