import { expect } from 'chai';
import { ChangedElsewhere } from '../../../../services/app/activities/exchange/ChangedElsewhere.ts';
import { systemClock } from '../../../../services/lib/clock.ts';
import { ActivityWorld, operator, reaches } from '../../../support/activityNodes.ts';
import { testPostgres } from '../../../support/postgres.ts';
import { until } from '../../../support/until.ts';
import { hashOf, messageOf, openAt } from '../../store/activities/activityKit.ts';
import { onBothDatabases } from '../../store/storePlace.ts';

const order = { kind: 'industrial', request: 'information' } as const;
const compareMs = 1_000;

describe('a node that is several processes', () => {
  let world: ActivityWorld;
  beforeEach(() => {
    world = new ActivityWorld();
  });
  afterEach(() => world.close());

  it('does in the network what has become due by a word of one that is in none', async () => {
    const databaseUrl = await (await testPostgres()).createDatabase();
    const [buyer, seller, carrier] = await world.open(3, { databaseUrl });
    const receivers = [seller.name, carrier.name];
    const { activity, message } = await buyer.desk.start(operator, { ...order, receivers, body: 1 });
    await reaches(message, seller, carrier);
    const proposed = await seller.desk.propose(operator, activity, { remove: carrier.name });
    await until('both have voted on it', async () => {
      const { proposals } = await buyer.desk.show(operator, activity);
      return proposals[0]?.votes.length === 1;
    });
    // Nobody else carries it out, or says anything by which it would be looked at.
    await Promise.all([seller.close(), carrier.close()]);
    const beside = await buyer.openBeside();
    await beside.desk.vote(operator, activity, { on: proposed.message, approve: true });
    await until('it is carried out', async () => (await buyer.desk.show(operator, activity)).epoch === 1);
    await beside.close();
  });
});

onBothDatabases('what other processes of a node have changed', (place) => {
  it('is found some time later, once, also where it has come to the disk late', async () => {
    await using at = await place();
    const [own, other] = [await openAt(at), await openAt(at)];
    const { isShared } = own;
    let nowMs = 1_000_000;
    const clock = { ...systemClock, nowMs: () => nowMs };
    const elsewhere = new ChangedElsewhere({ store: own, clock, settings: { compareMs } as never });
    const [one, two] = [hashOf('one'), hashOf('two')];
    const say = (activity: typeof one, name: string, agoMs = 0) =>
      other.save({ activity, nowMs: nowMs - agoMs, messages: [messageOf(name)] });
    const found = async (): Promise<unknown[]> => {
      nowMs += compareMs;
      return await elsewhere.look();
    };
    const shared = (...ids: unknown[]): unknown[] => (isShared ? ids : []);
    await say(two, 'before', 100_000);
    expect(await found()).to.deep.equal([]);
    await say(one, 'a');
    expect(await elsewhere.look(), 'it has just looked').to.deep.equal([]);
    expect(await found()).to.deep.equal(shared(one));
    expect(await found()).to.deep.equal([]);
    await say(one, 'b');
    await say(two, 'c', 20_000);
    expect(await found()).to.have.members(shared(one, two));
    // More than one page of them.
    for (let index = 0; index < 300; index++) await say(hashOf(`many ${index}`), `m ${index}`);
    expect(await found()).to.have.length(isShared ? 300 : 0);
    // The clock was set back.
    nowMs -= 500_000;
    await say(one, 'd', -500_000);
    expect(await found()).to.include.members(shared(one));
    await Promise.all([own.close(), other.close()]);
  });
});
