import type { Hash } from '../bytes.ts';
import type { Activity, Placed } from './activity.ts';
import { wayTo } from './wayTo.ts';

type Staying = (placed: Placed) => boolean;

// Until the members change it is asked for each message.
const found = new WeakMap<Activity['epochs'], { readonly last: Hash; readonly staying: Staying }>();

/**
 * Tells whether a sender is in every epoch on the way to that one, from where that way and the one to the epoch in which it has said something part.
 * Where they part is looked for once for each epoch, as long as the members are the same.
 */
export function stayingUntil(epochs: Activity['epochs'], last: Hash): Staying {
  const known = found.get(epochs);
  if (known?.last === last) return known.staying;
  const staying = stayingOn(epochs, last);
  found.set(epochs, { last, staying });
  return staying;
}

function stayingOn(epochs: Activity['epochs'], last: Hash): Staying {
  const firstOf = new Map<Hash, number>();
  // The epoch's own number says nothing: who was removed may open any number of them in a branch that does not hold.
  const firstAfter = (group: Hash): number => {
    const way = wayTo(epochs, last);
    let place = way.placeOf(group);
    if (place !== undefined) return place;
    for (let epoch = epochs.get(group); epoch && place === undefined; ) {
      const { previous } = epoch.membership;
      place = way.placeOf(previous);
      epoch = epochs.get(previous);
    }
    return place === undefined ? 0 : place + 1;
  };
  return ({ sender, group }) => {
    const first = firstOf.get(group) ?? firstAfter(group);
    firstOf.set(group, first);
    return wayTo(epochs, last).lastOut(sender) < first;
  };
}
