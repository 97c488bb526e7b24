import type { Hash } from '../bytes.ts';
import type { Activity, OpenedEpoch } from './activity.ts';

/** Epochs from the first that is known to this one. */
export function pathTo(epochs: Activity['epochs'], group: Hash): OpenedEpoch[] {
  const path: OpenedEpoch[] = [];
  for (let epoch = epochs.get(group); epoch; epoch = epochs.get(epoch.membership.previous)) path.push(epoch);
  return path.toReversed();
}
