import type { Address, Hash } from '../bytes.ts';
import type { Activity, Placed } from './activity.ts';
import { memberOf } from './members.ts';
import { pathTo } from './pathTo.ts';

/**
 * Tells whether a sender is in every epoch from the one in which it has said something to that one, which follows from it. The way there is gone once
 * for each sender.
 */
export function stayingUntil(epochs: Activity['epochs'], last: Hash): (placed: Placed) => boolean {
  const path = pathTo(epochs, last);
  const lastOut = new Map<Address, number>();
  return ({ sender, group }) => {
    let out = lastOut.get(sender);
    if (out === undefined) {
      out = path.findLast(({ membership }) => !memberOf(membership, sender))?.membership.epoch ?? -1;
      lastOut.set(sender, out);
    }
    return out < (epochs.get(group)?.membership.epoch ?? 0);
  };
}
