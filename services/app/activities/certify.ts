import type { Activity } from '../../core/activities/activity.ts';
import { takesPart } from '../../core/activities/decided.ts';
import type { Address, Hash } from '../../core/bytes.ts';
import type { ActivityParts } from './ActivityParts.ts';
import { certificatesOf } from './followUps.ts';
import { Step } from './Step.ts';

/** Certificates that are made in one step. */
const atOnce = 32;

type Wanted = {
  /** Which of these versions lack a certificate; those without any by default. */
  readonly lacking?: (activity: Activity, versions: readonly Hash[]) => readonly Hash[] | Promise<readonly Hash[]>;
  /** Of which versions this node makes them; of all by default. */
  readonly isWanted?: (activity: Activity, version: Hash) => boolean;
};

/**
 * Makes the certificates that are lacking, some at a time and each time as the activity stands by then: a member less may make those of all
 * versions possible.
 * @throws NotariumError as `Step`.
 */
export async function certify(
  parts: ActivityParts,
  id: Hash,
  { lacking = withoutAny, isWanted = () => true }: Wanted,
  signal: AbortSignal,
): Promise<void> {
  const { activities, signer } = parts;
  const draftsIn = async (activity: Activity | undefined, versions?: readonly Hash[]) => {
    if (!activity || !takesPart(activity, signer.address)) return [];
    return draftsFor(activity, await lacking(activity, versions ?? [...activity.versions.keys()]), isWanted);
  };
  const all = (await draftsIn(await activities.find(id))).map(({ on }) => on);
  for (let at = 0; at < all.length && !signal.aborted; at += atOnce) {
    const some = all.slice(at, at + atOnce);
    await activities.change(id, async (activity) => {
      const step = new Step(parts, id, activity);
      for (const { draft } of await draftsIn(activity, some)) await step.send(draft);
      await step.commit();
    });
  }
}

/** Whether {@link certify} would make some where none is. */
export function canCertify(activity: Activity, own: Address): boolean {
  if (!takesPart(activity, own)) return false;
  return draftsFor(activity, withoutAny(activity, [...activity.versions.keys()]), () => true).length > 0;
}

function draftsFor(activity: Activity, versions: readonly Hash[], isWanted: NonNullable<Wanted['isWanted']>) {
  return certificatesOf(
    activity,
    versions,
    (version) => isWanted(activity, version),
    () => false,
  );
}

function withoutAny({ certificates }: Activity, versions: readonly Hash[]): Hash[] {
  return versions.filter((version) => !certificates.has(version));
}
