import { expect } from 'chai';
import fc from 'fast-check';
import { type Activity, membersOf, type OpenedEpoch } from '../../../../services/core/activities/activity.ts';
import { headsAfterEpoch, headsOf } from '../../../../services/core/activities/heads.ts';
import { memberOf } from '../../../../services/core/activities/members.ts';
import { newestAfter, newestGroup } from '../../../../services/core/activities/newestGroup.ts';
import type { Message } from '../../../../services/core/activities/parcel.ts';
import { stayingUntil } from '../../../../services/core/activities/stayingUntil.ts';
import { startActivity, takeMessage } from '../../../../services/core/activities/takeMessage.ts';
import type { Hash } from '../../../../services/core/bytes.ts';
import {
  activityNetwork,
  begin,
  changeMembers,
  leave,
  letGo,
  memberFor,
  type Person,
  person,
  randomHash,
  randomKey,
  update,
} from '../../../support/activityKit.ts';
import { crypto } from '../../../support/recordKit.ts';

const people = [1, 2, 3, 4].map(person) as [Person, Person, Person, Person];
const [initiator, , , guest] = people;
const take = (activity: Activity, message: Message): Activity =>
  takeMessage(activityNetwork, activity, message, { isWanted: true, crypto });

/** The same, of which nothing was found out before. */
function anew(activity: Activity): Activity {
  const epochs = new Map([...activity.epochs].map(([group, epoch]) => [group, { ...epoch }]));
  return { ...activity, epochs, versions: new Map(activity.versions) };
}

function rekeyed(activity: Activity, { address }: Person) {
  return membersOf(activity).members.map((member) =>
    member.address === address ? { ...member, key: randomKey() } : member,
  );
}

/** Counts what is looked at in a map. */
class Counting<K, V> extends Map<K, V> {
  looks = 0;

  override get(key: K): V | undefined {
    this.looks++;
    return super.get(key);
  }

  override *[Symbol.iterator](): MapIterator<[K, V]> {
    for (const entry of super.entries()) {
      this.looks++;
      yield entry;
    }
  }

  override *values(): MapIterator<V> {
    for (const [, value] of this) yield value;
  }
}

type Act = { readonly from: number; readonly isLater: boolean; readonly kind: number; readonly by: number };

/** What somebody says who knows all, in one of the epochs that there are, mostly the newest. */
async function actIn(now: Activity, { from, isLater, kind, by }: Act): Promise<Message | undefined> {
  const groups = [...now.epochs.keys()];
  const group = isLater ? now.group : groups[from % groups.length]!;
  const view = { ...now, group };
  const sender = people[by % people.length]!;
  const members = membersOf(view);
  if (!memberOf(members, sender.address)) return undefined;
  if (kind < 2) return await changeMembers(view, sender, rekeyed(view, sender));
  if (kind < 4 && now.heads.length > 0) return await update(view, sender);
  if (kind === 4) return members.members.length > 1 ? await leave(view, sender) : undefined;
  if (kind === 5) return (await letGoIn(view, sender)) ?? undefined;
  if (!memberOf(members, initiator.address)) return undefined;
  const isIn = memberOf(members, guest.address) !== undefined;
  const change = isIn ? { remove: guest.address } : { add: memberFor(guest, 'receiver') };
  // What it does not name of who goes does not count any more.
  return await changeMembers(view, initiator, change, kind === 6 ? { heads: [] } : {});
}

async function letGoIn(view: Activity, sender: Person): Promise<Message | undefined> {
  const message = await letGo(view, sender);
  return message.head.type === 'members' && message.head.left?.length ? message : undefined;
}

describe('epochs that come one by one', () => {
  it('make the same of an activity as all of them at once, whichever they follow', async () => {
    const act = fc.record({ from: fc.nat(), isLater: fc.boolean(), kind: fc.nat(7), by: fc.nat(3) });
    const plan = fc.array(act, { minLength: 8, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(plan, async (acts) => {
        let now = startActivity(await begin(people));
        const states = [now];
        for (const one of acts) {
          // Now and then another one goes on from an older state.
          const before = one.kind === 7 ? states[one.from % states.length]! : now;
          const message = await actIn(before, one);
          if (!message) continue;
          try {
            now = take(before, message);
          } catch {
            continue;
          }
          states.push(now);
        }
        for (const state of states) {
          const same = anew(state);
          expect(newestGroup(same)).to.equal(state.group);
          expect(headsOf(same)).to.deep.equal(state.heads);
          expect(headsOf(state)).to.deep.equal(state.heads);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('cost no look at those before, however many these are', async () => {
    const start = startActivity(await begin(people));
    const first = start.epochs.get(start.group)!;
    const groups: Hash[] = [start.group];
    const epochs = new Counting<Hash, OpenedEpoch>(start.epochs);
    const versions = new Counting(start.versions);
    const leaves = new Counting(start.leaves);
    let now: Activity = { ...start, epochs, versions, leaves };
    now = { ...now, heads: headsOf(now) };
    const open = (members = first.membership.members): void => {
      const group = randomHash();
      const membership = { epoch: groups.length, previous: groups.at(-1)!, members };
      const before = {
        ...now,
        epochs: { has: (id: Hash) => groups.includes(id), get: now.epochs.get.bind(epochs), size: groups.length },
      };
      epochs.set(group, { ...first, membership, by: randomHash(), heads: [] });
      const known = before as unknown as Activity;
      const after = { ...now, group: newestAfter(known, now, group) };
      now = { ...after, heads: headsAfterEpoch(known, after, epochs.get(group)!) };
      groups.push(group);
      expect(now.group).to.equal(group);
    };
    for (let count = 0; count < 500; count++) open();
    epochs.looks = 0;
    versions.looks = 0;
    for (let count = 0; count < 100; count++) {
      open();
      const isIn = stayingUntil(now.epochs, now.group);
      expect(isIn({ sender: initiator.address, group: groups[count]! })).to.equal(true);
      expect(isIn({ sender: person(9).address, group: groups[count]! })).to.equal(false);
    }
    expect(epochs.looks).to.be.below(3_000);
    expect(versions.looks).to.be.below(500);
  });
});
