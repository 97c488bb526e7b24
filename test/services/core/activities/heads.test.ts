import { expect } from 'chai';
import fc from 'fast-check';
import type { Activity, Version } from '../../../../services/core/activities/activity.ts';
import { grown } from '../../../../services/core/activities/grown.ts';
import { headsAfter, headsOf } from '../../../../services/core/activities/heads.ts';
import { startActivity } from '../../../../services/core/activities/takeMessage.ts';
import type { Hash } from '../../../../services/core/bytes.ts';
import { begin, type Person, person, randomHash } from '../../../support/activityKit.ts';

const [alice, bob, gone] = [1, 2, 3].map(person) as [Person, Person, Person];
const ids = Array.from({ length: 14 }, randomHash);
/** What who has removed one of them names as seen. */
const named = [ids[3]!, ids[8]!];

/** An activity of three from which one was removed, and of whose versions none is known. */
async function withoutOne(): Promise<Activity> {
  const activity = startActivity(await begin([alice, bob, gone]));
  const before = activity.epochs.get(activity.group)!;
  const members = before.membership.members.filter(({ address }) => address !== gone.address);
  const membership = { epoch: 1, previous: activity.group, members };
  const group = randomHash();
  const epochs = new Map(activity.epochs).set(group, { ...before, membership, heads: named });
  return { ...activity, since: 1, epochs, group, versions: new Map(), heads: [] };
}

/** Heads by what they are. */
function plainHeads({ versions }: Activity): Hash[] {
  const counts = ({ id, sender }: Version): boolean =>
    sender !== gone.address ||
    named.includes(id) ||
    [...versions.values()].some((other) => other.builds.includes(id) && counts(other));
  const counted = [...versions.values()].filter(counts);
  return counted.flatMap(({ id }) => (counted.some(({ builds }) => builds.includes(id)) ? [] : [id])).sort();
}

/** A map that counts what is looked at in it. */
class Counting<K, V> extends Map<K, V> {
  looks = 0;

  override get(key: K): V | undefined {
    this.looks++;
    return super.get(key);
  }

  override *values(): MapIterator<V> {
    for (const value of super.values()) {
      this.looks++;
      yield value;
    }
  }
}

describe('core/activities/heads', () => {
  it('are the same in whatever order versions come, whichever state they come to', async () => {
    const empty = await withoutOne();
    const step = fc.record({
      ...{ from: fc.nat(), id: fc.nat(ids.length - 1), sender: fc.constantFrom(alice, bob, gone, gone) },
      ...{ builds: fc.uniqueArray(fc.nat(ids.length - 1), { maxLength: 3 }), isLater: fc.boolean() },
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const states = [empty];
        for (const { from, id: number, sender, builds, isLater } of steps) {
          // Mostly from the newest one; now and then another goes on from an older one.
          const before = isLater ? states.at(-1)! : states[from % states.length]!;
          const id = ids[number]!;
          if (before.versions.has(id)) continue;
          const version: Version = {
            ...{ id, number: 1, sender: sender.address, group: [...empty.epochs.keys()][sender === gone ? 0 : 1]! },
            builds: builds.filter((each) => each < number).map((each) => ids[each]!),
          };
          const after = { ...before, versions: grown(before.versions, id, version) };
          states.push({ ...after, heads: headsAfter(before, after, version) });
        }
        for (const state of states) {
          const heads = plainHeads(state);
          expect(state.heads).to.deep.equal(heads);
          expect(headsOf(state)).to.deep.equal(heads);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('cost no look at all other versions for each that comes, however many are in conflict', async () => {
    const empty = await withoutOne();
    const versions = new Counting<Hash, Version>();
    const versionOf = (sender: Person, builds: Hash[]): Version => {
      const version = { id: randomHash(), number: 2, builds, sender: sender.address, group: empty.group };
      versions.set(version.id, version);
      return version;
    };
    const first = versionOf(alice, []);
    const left = { ...versionOf(gone, [first.id]), group: [...empty.epochs.keys()][0]! };
    versions.set(left.id, left);
    for (let count = 0; count < 1_000; count++) versionOf(bob, [first.id]);
    const activity = { ...empty, versions };
    let state: Activity = { ...activity, heads: headsOf(activity) };
    versions.looks = 0;
    for (let count = 0; count < 100; count++) {
      // What was made of a state may come to nothing.
      headsAfter(state, state, versionOf(bob, [first.id]));
      const version = versionOf(bob, [count % 2 === 0 ? first.id : left.id]);
      state = { ...state, heads: headsAfter(state, state, version) };
    }
    expect(versions.looks).to.be.below(1_000);
    expect(state.heads).to.have.length(1_100);
  });
});
