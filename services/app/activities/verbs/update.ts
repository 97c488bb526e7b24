import { type Activity, nextNumber } from '../../../core/activities/activity.ts';
import { maxMerged } from '../../../core/activities/message.ts';
import type { Hash } from '../../../core/bytes.ts';
import { NotariumError } from '../../../core/errors.ts';
import { randomHash } from '../../../lib/randomHash.ts';
import type { ActivityCaller, Contents, SentMessage } from '../ActivityDesk.ts';
import type { ActivityParts } from '../ActivityParts.ts';
import { checkStillHeld, contentsOf } from '../contentsOf.ts';
import { sendIn } from '../sendIn.ts';

/** See `ActivityDesk.update`. */
export async function update(
  parts: ActivityParts,
  by: ActivityCaller,
  id: Hash,
  request: Contents & { readonly builds?: readonly Hash[] },
): Promise<SentMessage> {
  const { body, attachments, device } = await contentsOf(parts, by, request);
  return await sendIn(parts, by, id, async (activity, send) => {
    await checkStillHeld(parts, by, device);
    let builds = buildsOf(activity, request.builds);
    const numbers = new Map([...activity.versions].map(([version, { number }]) => [version, number]));
    const nextOf = (some: readonly Hash[]): number => nextNumber(some.map((version) => numbers.get(version)!));
    if (device && builds.length > maxMerged)
      throw new NotariumError('request-invalid', `a device brings together no more than ${maxMerged} versions`);
    // More than fit into one: the same is said in the place of some of them first, then of that and the others.
    while (builds.length > maxMerged) {
      const some = builds.slice(0, maxMerged);
      const between = await send({
        head: { type: 'update', builds: some, number: nextOf(some) },
        body: { ...body, salt: randomHash() },
        attachments: { ...attachments, salt: randomHash() },
      });
      numbers.set(between, nextOf(some));
      builds = [between, ...builds.slice(maxMerged)];
    }
    const head = { type: 'update' as const, builds, number: nextOf(builds), ...(device ? { device } : {}) };
    return { head, body, attachments };
  });
}

function buildsOf(activity: Activity, asked: readonly Hash[] | undefined): Hash[] {
  const { heads, versions } = activity;
  const stale = (detail: string): NotariumError =>
    new NotariumError('activity-version-stale', detail, { data: { heads } });
  const builds = [...new Set(asked ?? heads)];
  if (asked === undefined && heads.length > 1) throw stale('there are several: name those that it brings together');
  if (builds.length === 0) throw stale('there is none to build on');
  if (builds.some((version) => !versions.has(version))) throw stale('it builds on a version that is not here');
  // A merge may be of one that another merge has replaced meanwhile.
  if (!builds.some((version) => heads.includes(version))) throw stale('it builds on what was replaced');
  return builds;
}
