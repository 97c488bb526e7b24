import { expect } from 'chai';
import { messageOf } from '../../../../services/app/activities/Activities.ts';
import { activityProtocols } from '../../../../services/app/activities/exchange/items.ts';
import { membersOf } from '../../../../services/core/activities/activity.ts';
import { type Membership, noHash, sortedMembers } from '../../../../services/core/activities/members.ts';
import type { ActivityTerms, HeadOf } from '../../../../services/core/activities/message.ts';
import { groupDigest } from '../../../../services/core/activities/opening.ts';
import type { Message } from '../../../../services/core/activities/parcel.ts';
import { startActivity, takeMessage } from '../../../../services/core/activities/takeMessage.ts';
import type { ErrorCode } from '../../../../services/core/errors.ts';
import type { Net } from '../../../../services/net/Net.ts';
import {
  activityNetwork,
  begin,
  changeMembers,
  memberFor,
  randomHash,
  randomKey,
  say,
} from '../../../support/activityKit.ts';
import { type ActivityNode, ActivityWorld, operator, reaches } from '../../../support/activityNodes.ts';
import { deliver, sealedIn } from '../../../support/activityWire.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { until } from '../../../support/until.ts';

/** A beginning of an activity by its first node, signed by it; its own program does not know of it. */
async function beginning(nodes: readonly ActivityNode[], as?: Message): Promise<Message> {
  const people = nodes.map(({ person }) => person);
  if (!as) return await begin(people);
  const { activity, terms, origin } = as.head as HeadOf<'start'>;
  const members = people.map((one, index) => memberFor(one, index === 0 ? 'initiator' : 'receiver'));
  const membership: Membership = { epoch: 0, previous: noHash, members: sortedMembers(members) };
  const secret = randomHash();
  const group = groupDigest({ activity, sender: people[0]!.address, terms, membership, secret });
  return await say(
    people[0]!,
    'start',
    { activity, epoch: 0, group, terms, membership, secret, origin },
    { step: 'another' },
  );
}

describe('members of activities that were told different things', () => {
  let world: ActivityWorld;
  let buyer: ActivityNode;
  let seller: ActivityNode;
  let carrier: ActivityNode;
  beforeEach(async () => {
    world = new ActivityWorld();
    [buyer, seller, carrier] = await world.open(3);
  });
  afterEach(() => world.close());

  const alarmed = (nodes: readonly ActivityNode[], code: ErrorCode = 'activity-forked') =>
    until('they are alarmed', () => nodes.every(({ problems }) => problems.has(code)));

  it('find two beginnings by comparing, without anything being said; nothing more is sent then', async () => {
    const first = await beginning([buyer, seller, carrier]);
    const second = await beginning([buyer, seller, carrier], first);
    const { activity } = first.head;
    await deliver(buyer, seller, [sealedIn(first)]);
    await deliver(buyer, carrier, [sealedIn(second)]);
    await reaches(first.id, seller, carrier);
    await reaches(second.id, seller, carrier);
    await alarmed([seller, carrier]);
    expect(
      seller.problems
        .list()
        .map(({ detail }) => detail)
        .join(),
    ).not.to.contain(activity.slice(2, 10));
    for (const node of [seller, carrier]) {
      const { forks, heads } = await node.desk.show(operator, activity);
      const both = [first.id, second.id].toSorted();
      expect(forks).to.deep.equal([{ type: 'start', sender: buyer.address, messages: both }]);
      expect(heads).to.deep.equal(both);
      await expectCode('activity-forked', node.desk.update(operator, activity, { body: 1, builds: heads }));
    }
    expect(await seller.state(activity)).to.deep.equal(await carrier.state(activity));
    await carrier.close();
    await carrier.open();
    await world.connect();
    await alarmed([carrier]);
    // Who leaves it has nothing to do with it any more.
    await seller.desk.leave(operator, activity);
    await until('the alarm is over', () => !seller.problems.has('activity-forked'));
  });

  it('find that the initiator has named other members to each of them', async () => {
    const first = await beginning([buyer, seller, carrier]);
    const second = await beginning([buyer, carrier], first);
    await deliver(buyer, seller, [sealedIn(first)]);
    await deliver(buyer, carrier, [sealedIn(second)]);
    await seller.desk.note(operator, first.head.activity, { on: first.id, body: 'to all' });
    await alarmed([seller, carrier]);
    const { forks } = await carrier.desk.show(operator, first.head.activity);
    expect(forks).to.have.length(1);
  });

  it('find that each of them has been removed as the others were told', async () => {
    const first = await beginning([buyer, seller, carrier]);
    const { activity } = first.head;
    for (const node of [seller, carrier]) await deliver(buyer, node, [sealedIn(first)]);
    const known = startActivity(first);
    let toSeller: Message | undefined;
    for (const [node, other] of [
      [seller, carrier],
      [carrier, seller],
    ] as const) {
      const change = await changeMembers(known, buyer.person, { remove: other.address });
      await deliver(buyer, node, [sealedIn(change)]);
      toSeller ??= change;
    }
    await alarmed([seller, carrier], 'activity-excluded');
    const { doubts } = await seller.desk.show(operator, activity);
    expect(doubts.find(({ member }) => member === carrier.address)).to.include({ kind: 'excluded' });
    // Who has been out for longer says so in vain.
    const now = takeMessage(activityNetwork, known, toSeller!);
    const rekeyed = membersOf(now).members.map((one) =>
      one.address === buyer.address ? { ...one, key: randomKey() } : one,
    );
    const later = await changeMembers(now, buyer.person, rekeyed);
    await deliver(buyer, seller, [sealedIn(later)]);
    await reaches(later.id, seller);
    await until('its alarm is over', () => !seller.problems.has('activity-excluded'));
    expect(carrier.problems.has('activity-excluded')).to.equal(true);
  });

  const order = { kind: 'industrial', request: 'information', body: 1 } as const;

  /** A change of members as somebody tells it to who knows nothing of what was before. */
  async function toldBy(
    by: ActivityNode,
    as: Message,
    changes: { epoch?: number; terms?: ActivityTerms; others?: readonly ActivityNode[] } = {},
  ) {
    const { activity, origin, terms: real } = as.head as HeadOf<'start'>;
    const { epoch = 2 ** 50, terms = real, others = [seller, carrier] } = changes;
    const members = [
      memberFor(buyer.person, 'initiator'),
      ...others.map(({ person }) => memberFor(person, 'receiver')),
    ];
    const membership: Membership = { epoch, previous: randomHash(), members: sortedMembers(members) };
    const opening = { terms, membership, secret: randomHash(), heads: [] };
    const group = groupDigest({ activity, sender: by.address, ...opening });
    return await say(by.person, 'members', { activity, epoch, group, origin, ...opening });
  }

  it('find that the initiator has taken one of them away, by an epoch of which the others know nothing', async () => {
    const settled = new Set<string>();
    const wrapNet = (net: Net): Net => {
      const { request } = net;
      const watched: Net['request'] = async function* (peer, protocol, frames, options) {
        yield* request(peer, protocol, frames, options);
        if (protocol === activityProtocols.compare) settled.add([net.address, peer].toSorted().join());
      };
      return Object.assign(net, { request: watched });
    };
    await world.close();
    world = new ActivityWorld();
    [buyer, seller, carrier] = await world.open(3, { wrapNet });
    const receivers = [seller.name, carrier.name];
    const { activity, message } = await buyer.desk.start(operator, { ...order, rules: { history: false }, receivers });
    await reaches(message, seller, carrier);
    const both = [seller.address, carrier.address].toSorted().join();
    await until('nothing is left to be compared', () => settled.has(both));
    const first = messageOf((await buyer.store.message(message))!);
    const told = await toldBy(buyer, first, { others: [seller] });
    await deliver(buyer, seller, [sealedIn(told)]);
    await reaches(told.id, seller);
    expect((await seller.state(activity)).members).to.have.length(2);
    await alarmed([carrier], 'activity-excluded');
    const { doubts } = await carrier.desk.show(operator, activity);
    expect(doubts.find(({ member }) => member === seller.address)).to.include({ kind: 'excluded' });
    // By right it may do so: who is in the new group has nothing to look into.
    expect(seller.problems.list()).to.deep.equal([]);
  });

  it('refuse the activity of one who takes the place of its initiator, and take the real one', async () => {
    const { activity, message } = await buyer.desk.start(operator, { ...order, receivers: [seller.name] });
    await reaches(message, seller);
    const first = messageOf((await buyer.store.message(message))!);
    const forged = await beginning([seller, carrier], first);
    const [answer] = await deliver(seller, carrier, [sealedIn(forged)]);
    expect(answer).to.have.property('code', 'activity-message-invalid');
    const added = await buyer.desk.changeMembers(operator, activity, {
      add: [{ party: carrier.name, role: 'receiver' }],
    });
    await reaches(added.message, carrier);
  });

  for (const history of [false, true])
    it(`believe the initiator, whatever they were told of its activity before, ${history ? 'with' : 'without'} history`, async () => {
      const asked = { ...order, rules: { history }, receivers: [seller.name] };
      const { activity, message } = await buyer.desk.start(operator, asked);
      await reaches(message, seller);
      const first = messageOf((await buyer.store.message(message))!);
      const { terms } = first.head as HeadOf<'start'>;
      const rules = { ...terms.rules, history: false };
      const told = await toldBy(seller, first, { terms: { ...terms, rules } });
      await deliver(seller, carrier, [sealedIn(told)]);
      await reaches(told.id, carrier);
      await buyer.desk.changeMembers(operator, activity, { remove: [seller.name] });
      const added = await buyer.desk.changeMembers(operator, activity, {
        add: [{ party: carrier.name, role: 'receiver' }],
      });
      const next = await buyer.desk.update(operator, activity, { body: 2 });
      await reaches(added.message, carrier);
      await reaches(next.message, carrier);
      const [here, there] = await Promise.all([buyer, carrier].map((node) => node.state(activity)));
      expect(there!.members).to.deep.equal(here!.members);
      expect(there!.epoch).to.equal(2);
      // And still after a start, from what is on the disk.
      await carrier.close();
      await carrier.open();
      await world.connect();
      expect((await carrier.state(activity)).epoch).to.equal(2);
      // Nobody else makes it forget that again.
      const again = await toldBy(seller, first, { epoch: 2 ** 50 + 1 });
      await deliver(seller, carrier, [sealedIn(again)]);
      const last = await buyer.desk.update(operator, activity, { body: 3 });
      await reaches(last.message, carrier);
      expect((await carrier.state(activity)).epoch).to.equal(2);
    });
});
