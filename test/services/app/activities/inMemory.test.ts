import { expect } from 'chai';
import { Activities } from '../../../../services/app/activities/Activities.ts';
import type { Activity } from '../../../../services/core/activities/activity.ts';
import { parcelBytes } from '../../../../services/core/activities/parcel.ts';
import { startActivity, takeMessage } from '../../../../services/core/activities/takeMessage.ts';
import type { Hash } from '../../../../services/core/bytes.ts';
import {
  activityNetwork,
  begin,
  changeMembers,
  memberFor,
  noteOn,
  person,
  plainTerms,
  randomHash,
} from '../../../support/activityKit.ts';
import { crypto } from '../../../support/recordKit.ts';

const people = Array.from({ length: 20 }, (_, at) => person(at + 1));
const [buyer, seller] = people as [(typeof people)[0], (typeof people)[0]];

/** Activities over a database that says what it is asked for. */
function watched() {
  const asked: Hash[] = [];
  const store = {
    isShared: false,
    messages: async (id: Hash) => {
      asked.push(id);
      return [];
    },
  };
  const activities = new Activities({
    network: activityNetwork,
    crypto,
    signer: person(1).signer,
    store: store as never,
  });
  const isInMemory = async ({ id }: Activity): Promise<boolean> => {
    const before = asked.length;
    await activities.find(id);
    return asked.length === before;
  };
  return { activities, isInMemory };
}

describe('activities in memory', () => {
  it('are as many as take up so much of it: a large schema counts', async () => {
    const schema = { const: Array.from({ length: 20_000 }, () => []) };
    const large: Activity[] = [];
    // 60 kB each, close to the bound.
    for (let at = 0; at < 40; at++)
      large.push(startActivity(await begin([buyer, seller], { terms: { ...plainTerms, schema } })));
    const small = startActivity(await begin([buyer, seller]));
    const { activities, isInMemory } = watched();
    activities.set(small, 1);
    expect(await isInMemory(small)).to.equal(true);
    for (const one of large) activities.set(one, 1);
    expect(await isInMemory(large.at(-1)!)).to.equal(true);
    expect(await isInMemory(large[0]!)).to.equal(false);
    expect(await isInMemory(small)).to.equal(false);
  });

  it('and so do the members of each epoch', async () => {
    let wide = startActivity(await begin(people));
    const members = people.map((one) => memberFor(one, one === buyer ? 'initiator' : 'receiver'));
    for (let epoch = 0; epoch < 40; epoch++)
      wide = takeMessage(activityNetwork, wide, await changeMembers(wide, buyer, members));
    const { activities, isInMemory } = watched();
    const copies = Array.from({ length: 60 }, (_, at) => ({ ...wide, id: `0x${`${at}`.padStart(64, '0')}` as Hash }));
    for (const one of copies) activities.set(one, 41);
    // 901 each: 820 members, 40 heads, 41 messages.
    expect(await isInMemory(copies.at(-1)!)).to.equal(true);
    expect(await isInMemory(copies.at(-35)!)).to.equal(true);
    expect(await isInMemory(copies.at(-36)!)).to.equal(false);
  });

  it('and so do epochs that come while it is there', async () => {
    let now = startActivity(await begin(people));
    const states = [now];
    const members = people.map((one) => memberFor(one, one === buyer ? 'initiator' : 'receiver'));
    for (let epoch = 0; epoch < 40; epoch++) {
      now = takeMessage(activityNetwork, now, await changeMembers(now, buyer, members));
      states.push(now);
    }
    const { activities, isInMemory } = watched();
    const ids = Array.from({ length: 60 }, (_, at) => `0x${`${at}`.padStart(64, '0')}` as Hash);
    for (const id of ids) for (const [at, state] of states.entries()) activities.set({ ...state, id }, at + 1);
    expect(await isInMemory({ ...now, id: ids.at(-35)! })).to.equal(true);
    expect(await isInMemory({ ...now, id: ids.at(-36)! })).to.equal(false);
  });

  it('come there with others having a turn meanwhile, however many messages one has', async () => {
    const first = await begin([buyer, seller]);
    const note = await noteOn(startActivity(first), seller, first.id);
    // So often the same one: only what it is called is another thing.
    const stored = [first, ...Array.from({ length: 10_000 }, () => ({ ...note, id: randomHash() }))].map(
      (message, place) => ({ id: message.id, place, parcel: parcelBytes(message) }),
    );
    const store = { isShared: false, messages: async (_: Hash, from: number) => stored.slice(from, from + 256) };
    const activities = new Activities({
      network: activityNetwork,
      crypto,
      signer: person(1).signer,
      store: store as never,
    });
    let turns = 0;
    let next = setImmediate(function turn() {
      turns++;
      next = setImmediate(turn);
    });
    const activity = await activities.find(first.head.activity);
    clearImmediate(next);
    expect(activity!.notes.size).to.equal(10_000);
    expect(turns).to.be.greaterThan(1);
  });
});
