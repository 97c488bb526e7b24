import { expect } from 'chai';
import { activityProtocols } from '../../../../services/app/activities/exchange/items.ts';
import { type Activity, membersOf } from '../../../../services/core/activities/activity.ts';
import { memberOf } from '../../../../services/core/activities/members.ts';
import type { Message } from '../../../../services/core/activities/parcel.ts';
import { takeMessage } from '../../../../services/core/activities/takeMessage.ts';
import { NotariumError } from '../../../../services/core/errors.ts';
import { Sealer } from '../../../../services/lib/activities/seal.ts';
import type { Net } from '../../../../services/net/Net.ts';
import { activityNetwork, changeMembers, letGo, noteOn, randomKey } from '../../../support/activityKit.ts';
import { ActivityWorld, operator, reaches } from '../../../support/activityNodes.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { activityOf, hostilePeer } from '../../../support/hostilePeer.ts';
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

  it('takes no change of the members that keeps it in, nor any after that by which it is out', async () => {
    const [buyer, seller, carrier] = await world.open(3);
    const { activity, message: on } = await buyer.desk.start(operator, {
      ...{ kind: 'industrial', request: 'information', receivers: [seller.name, carrier.name], body: 1 },
    });
    await reaches(on, seller, carrier);
    await buyer.close();
    // Only now, so that nobody lets it go.
    const mallory = await hostilePeer(world, carrier);
    await seller.desk.leave(operator, activity);
    expect((await seller.store.activity(activity))!.isRead).to.equal(false);
    await seller.desk.show(operator, activity);
    expect((await seller.store.activity(activity))!.isRead, 'whoever looks at it').to.equal(false);
    const before = await activityOf(seller, activity);
    const keep = async (now: Activity, more: readonly Message[] = []): Promise<void> => {
      const sent = [...more];
      for (let at = 0; at < 500; at++) {
        const key = randomKey();
        const members = membersOf(now).members.map((member) => ({
          ...member,
          ...(member.address === carrier.address ? { key } : {}),
        }));
        sent.push(await changeMembers(now, carrier.person, members));
      }
      for (let at = 0; at < sent.length; at += 100) {
        const some = await Promise.all(sent.slice(at, at + 100).map((each) => itemFor(now, each)));
        for (const answer of await mallory.deliver(seller, ...some))
          expect(answer.code).to.equal('activity-not-member');
      }
      const known = await seller.store.known(sent.map(({ id }) => id));
      expect(known).to.have.property('size', 0);
      expect(await seller.store.held(activity)).to.deep.equal([]);
    };
    /** A message of an epoch as it goes to the seller, also where that is not in it. */
    const itemFor = async (now: Activity, message: Message): Promise<string> => {
      const after = message.head.type === 'members' ? takeMessage(activityNetwork, now, message) : now;
      const { membership, secret } = after.epochs.get(message.head.group)!;
      const isIn = memberOf(membership, seller.address) !== undefined;
      const sealed = new Sealer().seal(message, secret, isIn ? membership.members : [seller.person]);
      return JSON.stringify({ sealed, ...(isIn ? {} : { copy: true }) });
    };
    await keep(before);
    // What lets it go is taken, once.
    const gone = await letGo(before, carrier.person);
    const [answer] = await mallory.deliver(seller, await itemFor(before, gone));
    expect(answer).to.have.nested.property('ack.stage', 'read');
    const out = takeMessage(activityNetwork, before, gone);
    expect((await seller.desk.show(operator, activity)).role).to.equal(undefined);
    const rivals = [];
    for (let at = 0; at < 100; at++) rivals.push(await letGo(before, carrier.person));
    const notes = [];
    for (let at = 0; at < 20; at++)
      notes.push(await noteOn(before, carrier.person, on), await noteOn(out, carrier.person, on));
    await keep(out, notes);
    for (const rival of rivals) {
      const [refused] = await mallory.deliver(seller, await itemFor(before, rival));
      expect(refused).to.have.property('code', 'activity-not-member');
    }
    expect(await seller.store.known(rivals.map(({ id }) => id))).to.have.property('size', 0);
    expect((await seller.store.activity(activity))!.messageCount).to.equal(3);
  });

  for (const history of [true, false])
    it(`is back when it is added again, ${history ? 'with' : 'without'} what was meanwhile`, async () => {
      const [buyer, seller, carrier] = await world.open(3);
      const { activity, message } = await buyer.desk.start(operator, {
        ...{ kind: 'industrial', request: 'information', receivers: [seller.name, carrier.name], body: 1 },
        rules: { history },
      });
      await reaches(message, seller, carrier);
      const left = await seller.desk.leave(operator, activity);
      await reaches(left.message, buyer, carrier);
      await until('it is let go', async () => (await carrier.state(activity)).members.length === 2);
      const meanwhile = await buyer.desk.update(operator, activity, { body: 2 });
      await reaches(meanwhile.message, carrier);
      const again = await buyer.desk.changeMembers(operator, activity, {
        add: [{ party: seller.name, role: 'receiver' }],
      });
      await reaches(again.message, seller, carrier);
      const [base] = (await buyer.state(activity)).heads;
      await reaches(base!, seller);
      expect(await seller.has(meanwhile.message)).to.equal(history);
      const back = await seller.desk.update(operator, activity, { body: 3, builds: [base!] });
      await reaches(back.message, buyer, carrier);
      await seller.desk.show(operator, activity);
      expect((await seller.store.activity(activity))!.isRead).to.equal(true);
      // And it may leave again.
      const twice = await seller.desk.leave(operator, activity);
      await reaches(twice.message, buyer, carrier);
      await until('it is let go again', async () => (await buyer.state(activity)).members.length === 2);
    });
});
