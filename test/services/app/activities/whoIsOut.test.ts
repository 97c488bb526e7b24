import { expect } from 'chai';
import { messageOf } from '../../../../services/app/activities/Activities.ts';
import { readCopy } from '../../../../services/app/activities/exchange/envelopeItems.ts';
import { activityProtocols, framesOf, itemsOf } from '../../../../services/app/activities/exchange/items.ts';
import { membersOf } from '../../../../services/core/activities/activity.ts';
import { type Membership, noHash, sortedMembers } from '../../../../services/core/activities/members.ts';
import type { ActivityTerms, HeadOf } from '../../../../services/core/activities/message.ts';
import { groupDigest } from '../../../../services/core/activities/opening.ts';
import type { Message } from '../../../../services/core/activities/parcel.ts';
import { startActivity, takeMessage } from '../../../../services/core/activities/takeMessage.ts';
import { utf8 } from '../../../../services/core/bytes.ts';
import { openingKey, unseal } from '../../../../services/lib/activities/seal.ts';
import type { Net } from '../../../../services/net/Net.ts';
import {
  activityNetwork,
  changeMembers,
  memberFor,
  noteOn,
  randomHash,
  randomKey,
  say,
} from '../../../support/activityKit.ts';
import { type ActivityNode, ActivityWorld, blameless, operator, reaches } from '../../../support/activityNodes.ts';
import { changingAnswers, deliver, sealedIn } from '../../../support/activityWire.ts';
import { hostilePeer, resealed, sealedIn as sealedAs } from '../../../support/hostilePeer.ts';
import { until } from '../../../support/until.ts';

const order = { kind: 'industrial', request: 'information' } as const;

describe('who is out of an activity, and knows how it began', () => {
  let world: ActivityWorld;
  let buyer: ActivityNode;
  let seller: ActivityNode;
  let carrier: ActivityNode;
  let friend: ActivityNode;
  /** How often messages were asked for. */
  let asked = 0;
  beforeEach(async () => {
    world = new ActivityWorld();
    asked = 0;
    const counting = (items: string[]): string[] => {
      asked++;
      return items;
    };
    const wrapNet = (net: Net): Net => changingAnswers(blameless(net), activityProtocols.messages, counting);
    [buyer, seller, carrier, friend] = await world.open(4, { wrapNet });
  });
  afterEach(() => world.close());

  const namesIn = async (node: ActivityNode, activity: Message['head']['activity']): Promise<string[]> =>
    (await node.desk.show(operator, activity).catch(() => ({ members: [] }))).members
      .map(({ name }) => name!)
      .toSorted();
  const agree = (activity: Message['head']['activity'], ...nodes: readonly ActivityNode[]) =>
    until('these are the members', async () => {
      const names = nodes.map(({ name }) => name).toSorted();
      return (await Promise.all(nodes.map((node) => namesIn(node, activity)))).every(
        (have) => have.join() === names.join(),
      );
    });

  async function begun(receivers: readonly ActivityNode[], history: boolean): Promise<Message> {
    const { message } = await buyer.desk.start(operator, {
      ...order,
      ...{ receivers: receivers.map(({ name }) => name), rules: { history }, body: 'one' },
    });
    await reaches(message, ...receivers);
    return messageOf((await buyer.store.message(message))!);
  }

  async function addedByVote(first: Message): Promise<void> {
    const { activity } = first.head;
    const asked = await seller.desk.propose(operator, activity, { add: { party: carrier.name, role: 'receiver' } });
    await reaches(asked.message, buyer);
    await buyer.desk.vote(operator, activity, { on: asked.message, approve: true });
    await agree(activity, buyer, seller, carrier);
  }

  /** Members of its choice, as somebody tells them that knows how the activity began. */
  function told(
    by: ActivityNode,
    first: Message,
    { named, epoch, history }: { named: readonly ActivityNode[]; epoch: number; history?: boolean },
  ): Promise<Message> {
    const { activity, origin, terms: real } = first.head as HeadOf<'start'>;
    const terms: ActivityTerms = history === undefined ? real : { ...real, rules: { ...real.rules, history } };
    const members = named.map((node) =>
      memberFor(node.person, node.address === origin.initiator ? 'initiator' : 'receiver'),
    );
    const previous = epoch === 0 ? noHash : randomHash();
    const membership: Membership = { epoch, previous, members: sortedMembers(members) };
    const opening = { terms, membership, secret: randomHash() };
    const heads = epoch === 0 ? {} : { heads: [] };
    const group = groupDigest({ activity, sender: by.address, ...opening, ...heads });
    const head = { activity, epoch, group, origin, ...opening, ...heads };
    return say(by.person, epoch === 0 ? 'start' : 'members', head, epoch === 0 ? 'the only beginning' : undefined);
  }

  /** What is said now goes to those alone who are in, and to nobody that was named since. */
  async function staysAmong(first: Message, speaker: ActivityNode, ...others: readonly ActivityNode[]): Promise<void> {
    const { activity } = first.head;
    const before = await namesIn(speaker, activity);
    expect(before).to.deep.equal([speaker, ...others].map(({ name }) => name).toSorted());
    const { heads } = await speaker.desk.show(operator, activity);
    const said = await speaker.desk.note(operator, activity, { on: heads[0]!, body: 'among us' });
    await reaches(said.message, ...others);
    const went = (await speaker.desk.deliveries(operator, activity, said.message)).map(({ member }) => member);
    expect(went).to.have.members(others.map(({ address }) => address));
    expect(await friend.has(said.message)).to.equal(false);
  }

  /** Tells others of members of its choice, until those have asked for what that builds on. */
  async function tell(by: ActivityNode, evil: Message, ...others: readonly ActivityNode[]): Promise<void> {
    for (const other of others) {
      const before = asked;
      await deliver(by, other, [sealedIn(evil)]);
      await until('what it builds on is asked for', () => asked > before);
    }
  }

  it('names nobody in the place of the others: not its initiator, once it has left', async () => {
    const first = await begun([seller, carrier], false);
    const { activity } = first.head;
    await buyer.desk.leave(operator, activity);
    await agree(activity, seller, carrier);
    const two = await seller.desk.update(operator, activity, { body: 'two' });
    await reaches(two.message, carrier);
    const evil = await told(buyer, first, { named: [buyer, seller, friend], epoch: 10 });
    await tell(buyer, evil, seller, friend);
    await staysAmong(first, seller, carrier);
  });

  it('nor to who was added by vote, and knows of the initiator by hearsay', async () => {
    const first = await begun([seller], false);
    const { activity } = first.head;
    await addedByVote(first);
    await buyer.desk.leave(operator, activity);
    await agree(activity, seller, carrier);
    const evil = await told(buyer, first, { named: [buyer, carrier, friend], epoch: 0, history: true });
    const [answer] = await deliver(buyer, carrier, [sealedIn(evil)]);
    expect(answer).to.have.property('code', 'activity-message-invalid');
    const later = await told(buyer, first, { named: [buyer, carrier, friend], epoch: 10 });
    await tell(buyer, later, carrier);
    await staysAmong(first, carrier, seller);
  });

  it('nor who was removed, to those that it has added', async () => {
    const first = await begun([seller], false);
    const { activity } = first.head;
    await addedByVote(first);
    await buyer.desk.changeMembers(operator, activity, { remove: [seller.name] });
    await agree(activity, buyer, carrier);
    const evil = await told(seller, first, { named: [seller, carrier, friend], epoch: 10 });
    await tell(seller, evil, carrier);
    await staysAmong(first, carrier, buyer);
  });

  it('is not in again, nor ends it for the others, by another beginning, and reads nothing of what came since', async () => {
    const first = await begun([seller, carrier], true);
    const { activity } = first.head;
    await buyer.desk.leave(operator, activity);
    await agree(activity, seller, carrier);
    const two = await seller.desk.update(operator, activity, { body: 'two' });
    await reaches(two.message, carrier);
    let evil: Message;
    do evil = await told(buyer, first, { named: [buyer, seller, carrier, friend], epoch: 0 });
    while (evil.id > first.id);
    const [answer] = await deliver(buyer, seller, [sealedIn(evil)]);
    expect(answer).to.have.property('code', 'activity-epoch-stale');
    expect(await read(buyer, seller, activity)).to.have.members(['start', 'leave']);
    expect((await seller.desk.show(operator, activity)).forks).to.deep.equal([]);
    await staysAmong(first, seller, carrier);
  });

  it('has nothing taken since it builds on that itself', async () => {
    const first = await begun([seller, carrier], true);
    const { activity } = first.head;
    await buyer.desk.changeMembers(operator, activity, { remove: [carrier.name] });
    await agree(activity, buyer, seller);
    const old = startActivity(first);
    const keys = membersOf(old).members.map((one) =>
      one.address === carrier.address ? { ...one, key: randomKey() } : one,
    );
    const rekeyed = await changeMembers(old, carrier.person, keys);
    const branch = takeMessage(activityNetwork, old, rekeyed);
    const note = await noteOn(branch, carrier.person, first.id);
    const gone = await hostilePeer(world, carrier);
    for (const to of [buyer, seller]) {
      const given = resealed(await sealedAs(branch, rekeyed), to.person, {});
      let isGiven = false;
      gone.answers.set(activityProtocols.messages, async function* () {
        isGiven = true;
        yield* framesOf([JSON.stringify({ place: 0, envelope: given })]);
      });
      expect(await gone.envelope(to, await sealedAs(branch, note))).to.have.nested.property('ack.stage', 'delivered');
      expect(isGiven).to.equal(true);
      expect(await to.store.known([rekeyed.id, note.id])).to.deep.equal(new Set());
    }
  });

  async function read(by: ActivityNode, from: ActivityNode, activity: Message['head']['activity']): Promise<string[]> {
    const query = utf8(JSON.stringify({ activity, messages: [], groups: [], fromPlace: 0 }));
    const answer = by.net.request(from.address, activityProtocols.messages, [query], { timeoutMs: 20_000 });
    const types: string[] = [];
    for await (const item of itemsOf(answer, { itemBytes: 8 << 20, items: 300, bytes: 32 << 20 })) {
      const { bytes } = unseal(readCopy(item).envelope.sealed, [openingKey(by.person.secret)]);
      types.push((JSON.parse(Buffer.from(bytes).toString()) as Message).head.type);
    }
    return types;
  }
});
