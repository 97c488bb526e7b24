import { expect } from 'chai';
import type { Hash } from '../../../../services/core/bytes.ts';
import { systemClock } from '../../../../services/lib/clock.ts';
import type { ActivityStore } from '../../../../services/store/activities/ActivityStore.ts';
import { onBothActivityDatabases } from '../../../support/activityDatabases.ts';
import { type ActivityNode, ActivityWorld, operator, reaches } from '../../../support/activityNodes.ts';
import { until } from '../../../support/until.ts';

const order = { kind: 'industrial', request: 'information' } as const;

onBothActivityDatabases('messages without a record', (databaseUrl) => {
  let world: ActivityWorld;
  afterEach(() => world.close());

  it('are told of after some time, until the record comes', async () => {
    world = new ActivityWorld();
    let aheadMs = 0;
    const [buyer, seller] = (await world.open(2, {
      settings: { unrecordedMs: 600_000, compareMs: 200 },
      clock: { nowMs: () => Date.now() + aheadMs, sleep: (ms, signal) => systemClock.sleep(ms, signal) },
      databaseUrl: await databaseUrl(),
    })) as [ActivityNode, ActivityNode];
    const before = await buyer.desk.start(operator, { ...order, receivers: [seller.name], body: 'notarised' });
    await reaches(before.message, seller);
    await until('its record is there', async () => world.records.length === 1);
    // From now on the sender notarises nothing that it says.
    world.isLogAway = true;
    const said: Hash[] = [];
    for (let at = 0; at < 3; at++)
      said.push((await buyer.desk.note(operator, before.activity, { on: before.message, body: at })).message);
    await reaches(said[2]!, seller);
    await seller.desk.messages(operator, before.activity, { limit: 1 });
    expect(seller.problems.has('activity-unrecorded')).to.equal(false);
    expect((await seller.desk.show(operator, before.activity)).unrecorded).to.deep.equal([]);
    aheadMs = 601_000;
    const detail = await until('it is told', () =>
      seller.problems.list().find(({ code, detail: text }) => code === 'activity-unrecorded' && text.startsWith('3 ')),
    );
    expect(detail.detail).to.equal('3 messages: see the activities');
    expect((await seller.desk.show(operator, before.activity)).unrecorded).to.have.members(said);
    // The sender is told, too.
    await until('its own node tells', () => buyer.problems.has('activity-unrecorded'));
    world.isLogAway = false;
    for (const node of [seller, buyer]) {
      await until('the problem is over', () => !node.problems.has('activity-unrecorded'));
      expect((await node.desk.show(operator, before.activity)).unrecorded).to.deep.equal([]);
    }
    // What was found stands with the message: nobody looks for it any more.
    const left = { beforeMs: Number.MAX_SAFE_INTEGER, limit: 9 };
    for (const node of [seller, buyer]) expect(await node.store.unrecorded(left)).to.deep.equal([]);
  });

  it('are looked for in pages, all of them, and a damaged one keeps no other one from it', async () => {
    world = new ActivityWorld();
    const asked: number[] = [];
    const counting = (store: ActivityStore): ActivityStore => ({
      ...store,
      unrecordedRead: async (query) => {
        const found = await store.unrecordedRead(query);
        asked.push(found.messages.length);
        const [first, ...others] = found.messages;
        return first && query.after === undefined
          ? { ...found, messages: [{ ...first, seal: undefined }, ...others] }
          : found;
      },
    });
    const [buyer, seller] = (await world.open(2, {
      settings: { unrecordedMs: 0, compareMs: 100 },
      databaseUrl: await databaseUrl(),
      wrapStore: counting,
    })) as [ActivityNode, ActivityNode];
    world.isLogAway = true;
    const { activity, message } = await buyer.desk.start(operator, { ...order, receivers: [seller.name], body: 0 });
    const notes = await Promise.all(
      Array.from({ length: 299 }, (_, at) => buyer.desk.note(operator, activity, { on: message, body: at })),
    );
    await reaches(notes.at(-1)!.message, seller);
    // Nobody misses what nobody has looked at.
    await seller.desk.messages(operator, activity, { limit: 1 });
    await until('all are missed', () =>
      seller.problems.list().some(({ detail }) => detail === '300 messages: see the activities'),
    );
    expect(asked).to.include(256).and.to.include(44);
    world.isLogAway = false;
    await until('one is left, which nobody can look for', () =>
      seller.problems.list().some(({ detail }) => detail === '1 messages: see the activities'),
    );
  });
});
