import type { Address, Hash } from '../bytes.ts';
import type { Activity, OpenedEpoch } from './activity.ts';
import { memberOf } from './members.ts';

/** Epochs one after the other, from the first that is known, and what is asked of them again and again. */
class Way {
  readonly #groups: Hash[] = [];
  readonly #epochs: OpenedEpoch[] = [];
  readonly #places = new Map<Hash, number>();
  /** By member: with which epochs it came in, but for those that it was in from the first one on. */
  readonly #joined = new Map<Address, number[]>();
  /** Places of those that came before what they follow. */
  readonly #early: number[] = [];

  get length(): number {
    return this.#groups.length;
  }

  /** Place of an epoch where the way to it is the same one there: an older state may lack some of it, and a newer one have more. */
  placeIn(epochs: Activity['epochs'], group: Hash): number | undefined {
    const place = this.#places.get(group);
    if (place === undefined || this.#epochs[place] !== epochs.get(group)) return undefined;
    if (epochs.has(this.#epochs[0]!.membership.previous)) return undefined;
    const isWhole = this.#early.every((at) => at > place || epochs.has(this.#groups[at - 1]!));
    return isWhole ? place : undefined;
  }

  placeOf(group: Hash): number | undefined {
    return this.#places.get(group);
  }

  /** Place of the last epoch in which somebody was no member; -1 where it was in all of them. */
  lastOut(address: Address): number {
    const last = this.#epochs.at(-1);
    if (!last || !memberOf(last.membership, address)) return this.length - 1;
    return (this.#joined.get(address)?.at(-1) ?? 0) - 1;
  }

  push(group: Hash, epoch: OpenedEpoch): void {
    const before = this.#epochs.at(-1);
    const place = this.#groups.push(group) - 1;
    this.#epochs.push(epoch);
    this.#places.set(group, place);
    if (!before) return;
    if (cameEarly.has(epoch)) this.#early.push(place);
    for (const { address } of epoch.membership.members) {
      if (memberOf(before.membership, address)) continue;
      const joined = this.#joined.get(address);
      if (joined) joined.push(place);
      else this.#joined.set(address, [place]);
    }
  }

  cutTo(length: number): void {
    while (this.length > length) {
      this.#places.delete(this.#groups.pop()!);
      for (const { address } of this.#epochs.pop()!.membership.members) {
        const joined = this.#joined.get(address);
        if (joined?.at(-1) === this.length) joined.pop();
      }
      if (this.#early.at(-1) === this.length) this.#early.pop();
    }
  }
}

const ways = new WeakMap<OpenedEpoch, Way>();

/** Epochs that came before what they follow. Of all others each state that has them has that as well. */
const cameEarly = new WeakSet<OpenedEpoch>();

/**
 * Is to be told of each epoch that is new among these.
 * @param before The same one, as it was known until now.
 */
export function noteNew(epochs: Activity['epochs'], epoch: OpenedEpoch, before: OpenedEpoch | undefined): void {
  if (!epochs.has(epoch.membership.previous) || (before && cameEarly.has(before))) cameEarly.add(epoch);
}

/**
 * The way to an epoch: right until the next one is asked for. It goes on from the last one that was asked for, from where both part: else each
 * of thousands of epochs would cost as much as all before it.
 */
export function wayTo(epochs: Activity['epochs'], group: Hash): Way {
  const rest: [Hash, OpenedEpoch][] = [];
  let way: Way | undefined;
  for (let at = group, epoch = epochs.get(at); epoch; at = epoch.membership.previous, epoch = epochs.get(at)) {
    const known = ways.get(epoch);
    const place = known?.placeIn(epochs, at);
    if (known && place !== undefined) {
      known.cutTo(place + 1);
      way = known;
      break;
    }
    rest.push([at, epoch]);
  }
  way ??= new Way();
  for (const [at, epoch] of rest.toReversed()) {
    way.push(at, epoch);
    ways.set(epoch, way);
  }
  return way;
}
