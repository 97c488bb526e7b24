import { expect } from 'chai';
import { onBothActivityDatabases } from '../../../support/activityDatabases.ts';
import { type ActivityNode, ActivityWorld, operator } from '../../../support/activityNodes.ts';
import { until } from '../../../support/until.ts';

const order = { kind: 'industrial', request: 'information' } as const;

onBothActivityDatabases('records of activities', (databaseUrl) => {
  let world: ActivityWorld;
  beforeEach(() => {
    world = new ActivityWorld();
  });
  afterEach(() => world.close());

  it('go to the log in another order than they were made in, and say the minute alone', async () => {
    const [buyer, seller] = (await world.open(2, {
      settings: { recordSpreadMs: 3_000 },
      databaseUrl: await databaseUrl(),
    })) as [ActivityNode, ActivityNode];
    const receivers = [seller.name];
    // Two activities in which several things are said at one moment.
    const one = await buyer.desk.start(operator, { ...order, receivers, body: 1 });
    const two = await buyer.desk.start(operator, { ...order, receivers, body: 2 });
    const said = [one.message, two.message];
    for (const { activity, message: on } of [one, two])
      for (let body = 0; body < 12; body++)
        said.push((await buyer.desk.note(operator, activity, { on, body })).message);
    expect((await buyer.store.pendingRecords(99, Number.MAX_SAFE_INTEGER)).records.length).to.be.above(0);
    await until('the log has all', async () => world.records.length === said.length);
    const digests = await Promise.all(
      said.map(async (message) => `sha-256:${(await buyer.store.message(message))!.sealDigest.slice(2)}`),
    );
    const found = world.records.map(({ digest }) => digests.indexOf(digest));
    expect([...found].toSorted((a, b) => a - b)).to.deep.equal(said.map((_, index) => index));
    // 26 of them in their order by chance: once in 4 * 10^26 runs.
    expect(found).to.not.deep.equal(found.toSorted((a, b) => a - b));
    for (const { time } of world.records) expect(time).to.match(/:00\.000Z$/);
  });

  it('are there after a restart, and go when they are due', async () => {
    const [buyer, seller] = (await world.open(2, {
      settings: { recordSpreadMs: 600 },
      databaseUrl: await databaseUrl(),
    })) as [ActivityNode, ActivityNode];
    await buyer.desk.start(operator, { ...order, receivers: [seller.name], body: 1 });
    await buyer.close();
    await buyer.open();
    await until('it is in the log', () => world.records.length === 1);
    await until('and not pending', async () => {
      const { records } = await buyer.store.pendingRecords(9, Number.MAX_SAFE_INTEGER);
      return records.length === 0;
    });
    await world.connect();
  });
});
