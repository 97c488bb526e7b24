import type { Address, Hash } from '../bytes.ts';
import type { Activity, Placed } from './activity.ts';
import { memberOf } from './members.ts';
import { pathTo } from './pathTo.ts';

type Staying = (placed: Placed) => boolean;

// Until the members change it is asked for each message.
const found = new WeakMap<Activity['epochs'], { readonly last: Hash; readonly staying: Staying }>();

/**
 * Tells whether a sender is in every epoch on the way to that one, from where that way and the one to the epoch in which it has said something part.
 * The way is gone once for each sender and each epoch, as long as it is the same.
 */
export function stayingUntil(epochs: Activity['epochs'], last: Hash): Staying {
  const known = found.get(epochs);
  if (known?.last === last) return known.staying;
  const staying = stayingOn(epochs, last);
  found.set(epochs, { last, staying });
  return staying;
}

function stayingOn(epochs: Activity['epochs'], last: Hash): Staying {
  const path = pathTo(epochs, last);
  const places = new Map(path.map((epoch, at) => [epoch, at]));
  const lastOut = new Map<Address, number>();
  const firstOf = new Map<Hash, number>();
  // The epoch's own number says nothing: who was removed may open any number of them in a branch that does not hold.
  const firstAfter = (group: Hash): number => {
    let epoch = epochs.get(group);
    const own = epoch && places.get(epoch);
    if (own !== undefined) return own;
    while (epoch && !places.has(epoch)) epoch = epochs.get(epoch.membership.previous);
    return epoch ? places.get(epoch)! + 1 : 0;
  };
  return ({ sender, group }) => {
    const out = lastOut.get(sender) ?? path.findLastIndex(({ membership }) => !memberOf(membership, sender));
    lastOut.set(sender, out);
    const first = firstOf.get(group) ?? firstAfter(group);
    firstOf.set(group, first);
    return out < first;
  };
}
