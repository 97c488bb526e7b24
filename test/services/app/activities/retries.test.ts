import { expect } from 'chai';
import { activityProtocols } from '../../../../services/app/activities/exchange/items.ts';
import { NotariumError } from '../../../../services/core/errors.ts';
import type { Net } from '../../../../services/net/Net.ts';
import { ActivityWorld, operator, reaches } from '../../../support/activityNodes.ts';
import { SteppedClock } from '../../../support/SteppedClock.ts';
import { until } from '../../../support/until.ts';

const lookMs = 100;
const day = 24 * 60 * 60_000;

describe('deliveries to a member of activities that does not take them', () => {
  let world: ActivityWorld;
  let tries = 0;
  let isBroken = true;
  /** It can be reached, and fails at whatever is delivered. */
  const breaking = (net: Net): Net => {
    const handle = net.handle.bind(net);
    return Object.assign(net, {
      handle: ((name, handler) =>
        handle(name, (frames, from, signal) => {
          if (name !== activityProtocols.deliver || !isBroken) return handler(frames, from, signal);
          return (async function* () {
            tries++;
            yield* [] as Uint8Array[];
            throw new NotariumError('storage-full');
          })();
        })) as Net['handle'],
    });
  };
  beforeEach(() => {
    world = new ActivityWorld();
    tries = 0;
    isBroken = true;
  });
  afterEach(() => world.close());

  it('are tried after ever longer pauses, never given up, told after an age, and delay nobody else', async () => {
    const clock = new SteppedClock();
    // No other loop sleeps for longer than a look.
    const often = { lookMs, collectMs: lookMs, compareMs: lookMs };
    const settings = { ...often, retryMs: 1_000, maxRetryMs: 60_000, undeliveredMs: 10 * 60_000 };
    const [buyer] = await world.open(1, { clock, settings });
    const [broken] = await world.open(1, { wrapNet: breaking });
    const [carrier] = await world.open(1);
    const { activity, message } = await buyer.desk.start(operator, {
      ...{ kind: 'industrial', request: 'information', receivers: [broken.name, carrier.name], body: 1 },
    });
    // Time stands still: nobody waits for the broken one.
    await reaches(message, carrier);
    const paused = async (): Promise<number> => {
      const [ms] = await until(`a pause after try ${tries}`, () => {
        const pauses = clock.sleeping(lookMs);
        return pauses.length === 1 ? pauses : undefined;
      });
      return ms!;
    };
    const stateOf = async () =>
      (await buyer.desk.deliveries(operator, activity, message)).find(({ member }) => member === broken.address)!;
    for (let failures = 1; failures <= 10; failures++) {
      await until(`try ${failures}`, () => tries === failures);
      const ms = await paused();
      const longest = Math.min(60_000, 1_000 * 2 ** (failures - 1));
      expect(ms, `pause ${failures}`).to.be.within(longest / 2, longest);
      expect(buyer.problems.has('activity-undelivered')).to.equal(false);
      const more = await buyer.desk.note(operator, activity, { on: message, body: failures });
      await reaches(more.message, carrier);
      // What is added does not make it try more often.
      expect(tries).to.equal(failures);
      clock.advance(ms);
    }
    await until('try 11', () => tries === 11);
    await paused();
    clock.advance(11 * 60_000);
    await until('it is told', () => {
      clock.advance(lookMs);
      return buyer.problems.has('activity-undelivered');
    });
    clock.advance(300 * day);
    const before = tries;
    await until('it is tried after most of a year', () => {
      clock.advance(60_000);
      return tries > before;
    });
    expect(await stateOf()).to.include({ state: 'queued' });

    // A start of the node neither loses it nor gives it up.
    await buyer.close();
    const last = tries;
    await buyer.open();
    await world.connect();
    await until('it goes on', () => tries > last);
    isBroken = false;
    await until('it is delivered', async () => {
      clock.advance(60_000);
      return await broken.has(message);
    });
    await until('nothing waits', async () => (await buyer.store.waiting()).length === 0);
    await until('the problem is over', () => {
      clock.advance(lookMs);
      return !buyer.problems.has('activity-undelivered');
    });
    expect(await broken.state(activity)).to.deep.equal(await carrier.state(activity));
  });
});
