import { expect } from 'chai';
import { activityProtocols } from '../../../../services/app/activities/exchange/items.ts';
import { NotariumError } from '../../../../services/core/errors.ts';
import type { Net } from '../../../../services/net/Net.ts';
import { ActivityWorld, operator, reaches } from '../../../support/activityNodes.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { until } from '../../../support/until.ts';

/** The net of one that speaks, and hears nothing. */
function deaf(net: Net): Net {
  const heard = net.handle.bind(net);
  const handle: Net['handle'] = (name, answer) => {
    if (name !== activityProtocols.deliver && name !== activityProtocols.compare) return heard(name, answer);
    // biome-ignore lint/correctness/useYield: it never comes so far
    return heard(name, async function* () {
      throw new NotariumError('peer-busy');
    });
  };
  return Object.assign(net, { handle });
}

describe('a member that has left', () => {
  let world: ActivityWorld;
  beforeEach(() => {
    world = new ActivityWorld();
  });
  afterEach(() => world.close());

  it('takes nothing more of what others say, though nobody lets it go', async () => {
    const [seller] = world.add(1);
    const [mallory] = world.add(1, { wrapNet: deaf });
    await Promise.all([seller!.open(), mallory!.open()]);
    await world.connect();
    const receivers = [seller!.name];
    const order = { kind: 'industrial', request: 'information', receivers, body: 1 } as const;
    const { activity, message: on } = await mallory!.desk.start(operator, order);
    await reaches(on, seller!);
    await seller!.desk.leave(operator, activity);
    const notes = await Promise.all(
      Array.from({ length: 5 }, () => mallory!.desk.note(operator, activity, { on, body: 'more' })),
    );
    await until('all are refused', async () => {
      const all = await mallory!.store.deliveries(activity);
      return (
        all.filter(({ state, problem }) => state === 'refused' && problem?.code === 'activity-not-member').length === 5
      );
    });
    expect(await seller!.store.known(notes.map(({ message }) => message))).to.have.property('size', 0);
    await expectCode('activity-not-member', seller!.desk.note(operator, activity, { on, body: 'still here?' }));
  });
});
