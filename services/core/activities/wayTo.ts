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
  /** Epochs that were missing when what follows them was the beginning of a way. */
  readonly #found = new Set<Hash>();

  get length(): number {
    return this.#groups.length;
  }

  /** Whether just these epochs are known there: an older state may lack some between. */
  isOf(epochs: Activity['epochs']): boolean {
    if (!epochs.has(this.#groups[0]!) || epochs.has(this.#epochs[0]!.membership.previous)) return false;
    return this.#found.values().every((group) => epochs.has(group));
  }

  beginsWith(group: Hash): boolean {
    return this.#groups[0] === group;
  }

  /** That this one was missing before. */
  noteFound(group: Hash): void {
    this.#found.add(group);
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
    }
  }
}

const ways = new WeakMap<OpenedEpoch, Way>();

/**
 * The way to an epoch: right until the next one is asked for. It goes on from the last one that was asked for, from where both part: else each
 * of thousands of epochs would cost as much as all before it.
 */
export function wayTo(epochs: Activity['epochs'], group: Hash): Way {
  const rest: [Hash, OpenedEpoch][] = [];
  let way: Way | undefined;
  for (let at = group, epoch = epochs.get(at); epoch; at = epoch.membership.previous, epoch = epochs.get(at)) {
    const known = ways.get(epoch);
    const place = known?.isOf(epochs) ? known.placeOf(at) : undefined;
    if (known && place !== undefined) {
      known.cutTo(place + 1);
      way = known;
      break;
    }
    rest.push([at, epoch]);
  }
  way ??= new Way();
  for (const [at, epoch] of rest.toReversed()) {
    if (way.length > 0 && ways.get(epoch)?.beginsWith(at)) way.noteFound(epoch.membership.previous);
    way.push(at, epoch);
    ways.set(epoch, way);
  }
  return way;
}
