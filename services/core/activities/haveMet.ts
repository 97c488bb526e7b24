import type { Address } from '../bytes.ts';
import type { Activity } from './activity.ts';
import { memberOf } from './members.ts';

/**
 * Whether two nodes were members at the same time, as far as is known here: then each of them knows that the other one has the activity. Of who has
 * left before the other one came not even that is known.
 */
export function haveMet({ epochs }: Pick<Activity, 'epochs'>, one: Address, other: Address): boolean {
  return epochs
    .values()
    .some(({ membership }) => memberOf(membership, one) !== undefined && memberOf(membership, other) !== undefined);
}

/** Whether somebody knows without being told that this activity is here: its initiator, and who was in it together with this node. */
export function isKnownTo(activity: Pick<Activity, 'epochs' | 'origin'>, own: Address, other: Address): boolean {
  return activity.origin.initiator === other || haveMet(activity, own, other);
}
