import { expect } from 'chai';
import type { Hash } from '../../../../services/core/bytes.ts';
import { systemClock } from '../../../../services/lib/clock.ts';
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

  describe('whose moment has passed without them', () => {
    const spreadMs = 600_000;
    const hourMs = 3_600_000;
    let nowMs: number;
    let buyer: ActivityNode;
    let said: Hash[];
    beforeEach(async () => {
      nowMs = Date.UTC(2026, 10, 22);
      world.isLogAway = true;
      const clock = { nowMs: () => nowMs, sleep: systemClock.sleep.bind(systemClock) };
      const [one, seller] = (await world.open(2, {
        ...{ settings: { recordSpreadMs: spreadMs }, clock },
        databaseUrl: await databaseUrl(),
      })) as [ActivityNode, ActivityNode];
      buyer = one;
      const { activity, message: on } = await buyer.desk.start(operator, {
        ...{ ...order, receivers: [seller.name], body: 0 },
      });
      said = [on];
      for (let body = 1; body < 25; body++)
        said.push((await buyer.desk.note(operator, activity, { on, body })).message);
    });

    /** Messages by the moments of their records. */
    async function moments(): Promise<{ readonly message: Hash; readonly dueMs: number }[]> {
      const { records } = await buyer.store.pendingRecords(99, Number.MAX_SAFE_INTEGER);
      return records.map(({ message, dueMs }) => ({ message, dueMs }));
    }

    /** They have other moments from now on, and go when these have come, in the order of these. */
    async function goAtMomentsFromNow(): Promise<void> {
      const spread = await until('all have another moment', async () => {
        const all = await moments();
        return all.every(({ dueMs }) => dueMs > nowMs && dueMs <= nowMs + spreadMs) && all;
      });
      const order = spread.map(({ message }) => said.indexOf(message));
      expect(order.toSorted((a, b) => a - b)).to.deep.equal(said.map((_, index) => index));
      // 25 of them in the order of their step by chance: once in 10^25 runs.
      expect(order).to.not.deep.equal(said.map((_, index) => index));
      world.isLogAway = false;
      const half = spread[12]!.dueMs;
      nowMs = half;
      await until('the first half is in the log', () => world.records.length >= 13);
      expect(world.records).to.have.length(spread.filter(({ dueMs }) => dueMs <= half).length);
      nowMs += spreadMs;
      await until('all are', () => world.records.length === said.length);
      const digests = await Promise.all(
        spread.map(async ({ message }) => `sha-256:${(await buyer.store.message(message))!.sealDigest.slice(2)}`),
      );
      expect(world.records.map(({ digest }) => digest)).to.deep.equal(digests);
    }

    it('while the centre was down have other ones after its start', async () => {
      await buyer.close();
      nowMs += hourMs;
      await buyer.open();
      await goAtMomentsFromNow();
      await world.connect();
    });

    it('while the log took none have other ones as long as it does not', async () => {
      nowMs += hourMs;
      await goAtMomentsFromNow();
    });

    it('while the log refused them for some time have other ones', async () => {
      world.isLogAway = false;
      world.takes = () => false;
      world.refusal = 'not-ready';
      nowMs += hourMs;
      await until('all have another moment', async () => (await moments()).every(({ dueMs }) => dueMs > nowMs));
      world.takes = () => true;
      await goAtMomentsFromNow();
    });

    it('as the clock was set back far have other ones', async () => {
      nowMs -= 10 * hourMs;
      await goAtMomentsFromNow();
    });
  });
});
