import { expect } from 'chai';
import { type Membership, noHash, sortedMembers } from '../../../../services/core/activities/members.ts';
import type { HeadOf } from '../../../../services/core/activities/message.ts';
import { groupDigest } from '../../../../services/core/activities/opening.ts';
import type { Message } from '../../../../services/core/activities/parcel.ts';
import { startActivity } from '../../../../services/core/activities/takeMessage.ts';
import { begin, changeMembers, memberFor, randomHash, say } from '../../../support/activityKit.ts';
import { type ActivityNode, ActivityWorld, operator, reaches } from '../../../support/activityNodes.ts';
import { deliver, sealedIn } from '../../../support/activityWire.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { until } from '../../../support/until.ts';

/** A beginning of an activity by its first node, signed by it; its own program does not know of it. */
async function beginning(nodes: readonly ActivityNode[], as?: Message): Promise<Message> {
  const people = nodes.map(({ person }) => person);
  if (!as) return await begin(people);
  const { activity, terms } = as.head as HeadOf<'start'>;
  const members = people.map((one, index) => memberFor(one, index === 0 ? 'initiator' : 'receiver'));
  const membership: Membership = { epoch: 0, previous: noHash, members: sortedMembers(members) };
  const secret = randomHash();
  const group = groupDigest({ activity, sender: people[0]!.address, terms, membership, secret });
  return await say(people[0]!, 'start', { activity, epoch: 0, group, terms, membership, secret }, { step: 'another' });
}

describe('members of activities that were told different things', function () {
  this.timeout(60_000);
  let world: ActivityWorld;
  let buyer: ActivityNode;
  let seller: ActivityNode;
  let carrier: ActivityNode;
  beforeEach(async () => {
    world = new ActivityWorld();
    [buyer, seller, carrier] = await world.open(3);
  });
  afterEach(() => world.close());

  const alarmed = (...nodes: readonly ActivityNode[]) =>
    until('they are alarmed', () => nodes.every(({ problems }) => problems.has('activity-forked')));

  it('find two beginnings by comparing, without anything being said; nothing more is sent then', async () => {
    const first = await beginning([buyer, seller, carrier]);
    const second = await beginning([buyer, seller, carrier], first);
    const { activity } = first.head;
    await deliver(buyer, seller, [sealedIn(first)]);
    await deliver(buyer, carrier, [sealedIn(second)]);
    await reaches(first.id, seller, carrier);
    await reaches(second.id, seller, carrier);
    await alarmed(seller, carrier);
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
    await alarmed(carrier);
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
    await alarmed(seller, carrier);
    const { forks } = await carrier.desk.show(operator, first.head.activity);
    expect(forks).to.have.length(1);
  });

  it('find that each of them has been removed as the others were told', async () => {
    const first = await beginning([buyer, seller, carrier]);
    const { activity } = first.head;
    for (const node of [seller, carrier]) await deliver(buyer, node, [sealedIn(first)]);
    const known = startActivity(first);
    for (const [node, other] of [
      [seller, carrier],
      [carrier, seller],
    ] as const) {
      const change = await changeMembers(known, buyer.person, { remove: other.address });
      await deliver(buyer, node, [sealedIn(change)]);
    }
    await alarmed(seller, carrier);
    const { doubts } = await seller.desk.show(operator, activity);
    expect(doubts.find(({ member }) => member === carrier.address)).to.include({ kind: 'excluded' });
  });

  it('refuse the activity of one who takes the place of its initiator, and both are alarmed', async () => {
    const forged = await beginning([seller, carrier]);
    const { activity } = forged.head;
    await deliver(seller, carrier, [sealedIn(forged)]);
    const asked = { kind: 'industrial', request: 'information', body: 1 } as const;
    const { message } = await buyer.desk.start(operator, { ...asked, activity, receivers: [carrier.name] });
    const delivery = await until('it is refused', async () =>
      (await buyer.desk.deliveries(operator, activity, message)).find(({ state }) => state === 'refused'),
    );
    expect(delivery.problem?.code).to.equal('activity-forked');
    await alarmed(buyer, carrier);
    expect((await carrier.desk.show(operator, activity)).heads).to.deep.equal([forged.id]);
  });
});
