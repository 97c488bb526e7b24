import { expect } from 'chai';
import fc from 'fast-check';
import { type Activity, membersOf, type OpenedEpoch } from '../../../../services/core/activities/activity.ts';
import { headsAfterEpoch, headsOf } from '../../../../services/core/activities/heads.ts';
import { memberOf } from '../../../../services/core/activities/members.ts';
import type { HeadOf } from '../../../../services/core/activities/message.ts';
import { newestAfter, newestGroup } from '../../../../services/core/activities/newestGroup.ts';
import type { Message } from '../../../../services/core/activities/parcel.ts';
import { pathTo } from '../../../../services/core/activities/pathTo.ts';
import { stayingUntil } from '../../../../services/core/activities/stayingUntil.ts';
import { joinActivity, rejoinActivity } from '../../../../services/core/activities/takeMembers.ts';
import { startActivity, takeMessage } from '../../../../services/core/activities/takeMessage.ts';
import { wayTo } from '../../../../services/core/activities/wayTo.ts';
import type { Hash } from '../../../../services/core/bytes.ts';
import { isNotariumError } from '../../../../services/core/errors.ts';
import {
  activityNetwork,
  begin,
  changeMembers,
  leave,
  letGo,
  memberFor,
  type Person,
  person,
  plainTerms,
  randomHash,
  randomKey,
  update,
} from '../../../support/activityKit.ts';
import { crypto } from '../../../support/recordKit.ts';

const people = [1, 2, 3, 4].map(person) as [Person, Person, Person, Person];
const [initiator, , , guest] = people;
const withoutHistory = { ...plainTerms, rules: { ...plainTerms.rules, history: false } };
const take = (activity: Activity, message: Message): Activity =>
  takeMessage(activityNetwork, activity, message, { isWanted: true, isVouched: true, crypto });

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

/** What is said by those who are in from the beginning on, with the guest out at first. */
async function saidIn(start: Message, acts: readonly Act[]): Promise<Message[]> {
  let now = startActivity(start);
  const said: Message[] = [];
  for (const one of acts) {
    const message = await actIn(now, one);
    const after = message && taken(now, message);
    if (!after) continue;
    said.push(message);
    now = after;
  }
  return said;
}

function taken(activity: Activity, message: Message): Activity | undefined {
  try {
    return take(activity, message);
  } catch (error) {
    if (isNotariumError(error)) return undefined;
    throw error;
  }
}

const isInBy = ({ head }: Message, { address }: Person): boolean =>
  head.type === 'members' && memberOf(head.membership, address) !== undefined;

/** Where it has been added again, without what was meanwhile. */
function rejoined(activity: Activity, message: Message): Activity | undefined {
  if (!isInBy(message, guest)) return undefined;
  try {
    return rejoinActivity(activity, message, guest.address);
  } catch (error) {
    if (isNotariumError(error)) return undefined;
    throw error;
  }
}

/** A state is the same as where nothing was found out before, of itself or another one. */
function expectAsAnew(state: Activity): void {
  const same = anew(state);
  expect(newestGroup(same)).to.equal(state.group);
  expect(headsOf(same)).to.deep.equal(state.heads);
  expect(headsOf(state)).to.deep.equal(state.heads);
  const isIn = stayingUntil(state.epochs, state.group);
  const isInAnew = stayingUntil(same.epochs, state.group);
  for (const group of state.epochs.keys()) {
    for (const { address: sender } of people)
      expect(isIn({ sender, group }), `${sender} ${group}`).to.equal(isInAnew({ sender, group }));
  }
  expect(wayTo(state.epochs, state.group).length).to.equal(pathTo(same.epochs, state.group).length);
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
        for (const state of states) expectAsAnew(state);
      }),
      { numRuns: 150 },
    );
  });

  it('make the same of it for who has come in later, with gaps, and from whichever state it goes on', async () => {
    const act = fc.record({ from: fc.nat(), isLater: fc.boolean(), kind: fc.nat(7), by: fc.nat(3) });
    const come = fc.record({ which: fc.nat(), from: fc.nat(), kind: fc.nat(7) });
    const plan = fc.record({
      acts: fc.array(act, { minLength: 12, maxLength: 40 }),
      comes: fc.array(come, { minLength: 20, maxLength: 60 }),
      isAskedAtOnce: fc.boolean(),
    });
    let gaps = 0;
    await fc.assert(
      fc.asyncProperty(plan, async ({ acts, comes, isAskedAtOnce }) => {
        const said = await saidIn(await begin(people.slice(0, 3), { terms: withoutHistory }), acts);
        const first = said.find((message) => isInBy(message, guest));
        if (!first) return;
        let now = joinActivity(first);
        const states = [now];
        for (const { which, from, kind } of comes) {
          const message = said[which % said.length]!;
          const before = kind === 7 ? states[from % states.length]! : now;
          const after = taken(before, message) ?? (kind < 3 ? rejoined(before, message) : undefined);
          if (!after) continue;
          now = after;
          states.push(now);
          if (isAskedAtOnce) expectAsAnew(now);
          if (wayTo(now.epochs, now.group).length < now.epochs.size) gaps++;
        }
        for (const state of states) expectAsAnew(state);
      }),
      { numRuns: 300 },
    );
    expect(gaps).to.be.above(0);
  });

  it('are on the way of the states alone that have them, whatever has come of the others', async () => {
    const start = startActivity(await begin(people.slice(0, 3), { terms: withoutHistory }));
    const comes = await changeMembers(start, initiator, { add: memberFor(guest, 'receiver') });
    const isIn = take(start, comes);
    const goes = await changeMembers(isIn, initiator, { remove: guest.address });
    const isOut = take(isIn, goes);
    const comesAgain = await changeMembers(isOut, initiator, { add: memberFor(guest, 'receiver') });
    const { secret } = comesAgain.head as HeadOf<'members'>;
    let toldAgain: Message;
    do toldAgain = await changeMembers(isOut, initiator, { add: memberFor(guest, 'receiver') }, { secret });
    while (toldAgain.id > comesAgain.id);
    const last = take(isOut, comesAgain);
    const next = await changeMembers(last, initiator, rekeyed(last, initiator));
    const lengthIn = (state: Activity): number => wayTo(state.epochs, state.group).length;

    const joined = joinActivity(comes);
    const lacking = rejoinActivity(joined, comesAgain, guest.address);
    const whole = take(lacking, goes);
    expect([whole, lacking, whole].map(lengthIn)).to.deep.equal([3, 1, 3]);
    expectAsAnew(lacking);
    // Another one has what this one lacks before it.
    const inOrder = take(take(joined, goes), comesAgain);
    expect([whole, inOrder, lacking, whole].map(lengthIn)).to.deep.equal([3, 3, 1, 3]);
    // What follows is the same where what it follows is told again.
    const further = take(lacking, next);
    const again = take(take(further, goes), toldAgain);
    expect([again, further, again].map(lengthIn)).to.deep.equal([4, 2, 4]);
    expectAsAnew(further);
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
