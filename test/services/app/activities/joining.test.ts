import { expect } from 'chai';
import { messageOf } from '../../../../services/app/activities/Activities.ts';
import { activityProtocols, framesOf } from '../../../../services/app/activities/exchange/items.ts';
import { type Activity, membersOf } from '../../../../services/core/activities/activity.ts';
import type { Message } from '../../../../services/core/activities/parcel.ts';
import { startActivity, takeMessage } from '../../../../services/core/activities/takeMessage.ts';
import type { Address, Hash } from '../../../../services/core/bytes.ts';
import { NotariumError } from '../../../../services/core/errors.ts';
import { Sealer } from '../../../../services/lib/activities/seal.ts';
import { systemClock } from '../../../../services/lib/clock.ts';
import type { Net } from '../../../../services/net/Net.ts';
import {
  activityNetwork,
  changeMembers,
  noteOn,
  randomHash,
  randomKey,
  say,
  update,
} from '../../../support/activityKit.ts';
import { type ActivityNode, ActivityWorld, blameless, operator, reaches } from '../../../support/activityNodes.ts';
import { changingAnswers, deliver, sealedIn } from '../../../support/activityWire.ts';
import { activityOf, copyOf, hostilePeer } from '../../../support/hostilePeer.ts';
import { until } from '../../../support/until.ts';

type One = ActivityNode;

const order = { kind: 'industrial', request: 'information', rules: { history: false } } as const;

describe('whoever is added without what was before', () => {
  let world: ActivityWorld;
  beforeEach(() => {
    world = new ActivityWorld();
  });
  afterEach(() => world.close());

  /** Of four nodes the last one was added by the first, and has what that has said it stands at. */
  async function added() {
    const [buyer, seller, carrier, late] = await world.open(4, { wrapNet: blameless });
    const receivers = [seller.name, carrier.name];
    const { activity, message } = await buyer.desk.start(operator, { ...order, receivers, body: 'one' });
    await reaches(message, seller, carrier);
    const changed = await buyer.desk.changeMembers(operator, activity, {
      add: [{ party: late.name, role: 'receiver' }],
    });
    await reaches(changed.message, seller, carrier, late);
    const base = await until('it has where it stands', async () => (await late.state(activity)).heads[0]);
    await reaches(base, buyer, seller, carrier);
    const read = async (id: Hash): Promise<Message> => messageOf((await buyer.store.message(id))!);
    const first = await read(message);
    const addition = await read(changed.message);
    const begun = startActivity(first);
    const now = [addition, await read(base)].reduce(
      (view, each) => takeMessage(activityNetwork, view, each, { isWanted: true }),
      begun as Activity,
    );
    return { nodes: [buyer, seller, carrier, late] as const, activity, first, addition, begun, now };
  }
  const headsOf = async (node: ActivityNode, activity: Hash) => (await node.state(activity)).heads;

  it('is not split from the others by one of them', async () => {
    const { nodes, activity, addition, now } = await added();
    const [buyer, seller, carrier, late] = nodes;
    const place = { activity, group: now.group, epoch: 1 };
    const builds = [...now.heads, randomHash()];
    const lie = await say(seller.person, 'update', { ...place, builds, number: 2 ** 31 }, 'a lie');
    for (const to of [buyer, carrier, late]) {
      const [answer] = await deliver(seller, to, [sealedIn(addition, lie)]);
      expect(answer).to.have.nested.property('ack.stage', 'delivered');
    }
    const two = await buyer.desk.update(operator, activity, { body: 'two' });
    await reaches(two.message, carrier, late);
    // They have asked one another for it meanwhile, and still ask.
    await until('it has asked the others', async () => (await late.store.held(activity)).length > 0);
    const three = await late.desk.update(operator, activity, { body: 'three' });
    await reaches(three.message, buyer, carrier);
    for (const node of [buyer, carrier, late]) {
      expect(await headsOf(node, activity)).to.deep.equal([three.message]);
      expect(await node.has(lie.id)).to.equal(false);
    }
  });

  it('has of the time before what another one of them has too', async () => {
    const { nodes, activity, first, addition, begun, now } = await added();
    const [buyer, seller, carrier, late] = nodes;
    // Said before its sender knew of the addition.
    const rival = await update(begun, seller.person);
    for (const to of [buyer, carrier]) await deliver(seller, to, [sealedIn(first, rival)]);
    await reaches(rival.id, buyer, carrier);
    const merge = await update(takeMessage(activityNetwork, now, rival, { isWanted: true }), seller.person);
    const [answer] = await deliver(seller, late, [sealedIn(addition, merge)]);
    expect(answer).to.have.nested.property('ack.stage', 'delivered');
    for (const to of [buyer, carrier]) await deliver(seller, to, [sealedIn(addition, merge)]);
    await reaches(merge.id, buyer, carrier, late);
    for (const node of [buyer, carrier, late]) expect(await headsOf(node, activity)).to.deep.equal([merge.id]);
    expect(await late.has(rival.id)).to.equal(false);
    // And it is the same after a restart.
    await late.close();
    await late.open();
    expect(await headsOf(late, activity)).to.deep.equal([merge.id]);
  });

  it('is in again by a vote, also where one of the others has told it that it was out', async () => {
    const [buyer, seller, carrier, late] = await world.open(4, { wrapNet: blameless });
    const receivers = [seller, carrier, late].map(({ name }) => name);
    const { activity, message: on } = await buyer.desk.start(operator, { ...order, receivers, body: 'one' });
    await reaches(on, seller, carrier, late);
    const removal = await buyer.desk.changeMembers(operator, activity, { remove: [late.name] });
    await reaches(removal.message, seller, carrier);
    const now = await activityOf(seller, activity);
    const talker = await hostilePeer(world, carrier);
    const given = await copyOf(seller, { id: removal.message, to: late.person });
    talker.answers.set(activityProtocols.messages, async function* () {
      yield* framesOf([JSON.stringify({ place: 0, envelope: given })]);
    });
    const note = await noteOn(now, talker.person, on);
    const { secret } = now.epochs.get(now.group)!;
    await talker.envelope(late, { sealed: new Sealer().seal(note, secret, [late.person]) });
    expect((await late.desk.show(operator, activity)).role, 'it knows that it is out').to.equal(undefined);
    const add = { party: late.name, role: 'receiver' } as const;
    const asked = await seller.desk.propose(operator, activity, { add });
    await reaches(asked.message, buyer);
    await buyer.desk.vote(operator, activity, { on: asked.message, approve: true });
    await until('it is in again', async () => (await late.desk.show(operator, activity)).role === 'receiver');
    expect(await late.has(asked.message)).to.equal(false);
    const said = await buyer.desk.note(operator, activity, { on, body: 'among us' });
    await reaches(said.message, seller, late);
  });

  /** Five, of which the second carries out what it has proposed: no other one does so for it, however long that takes. */
  async function withOneProposer(
    options: Parameters<ActivityWorld['open']>[1] & object,
  ): Promise<[One, One, One, One, One]> {
    const waiting = { ...options, settings: { ...options.settings, compareMs: 3_600_000 } };
    const [buyer] = await world.open(1, waiting);
    const [seller] = await world.open(1, options);
    const [carrier] = await world.open(1, waiting);
    return [buyer, seller, carrier, ...(await world.open(2, options))];
  }

  /** The last of these was added by the first, and knows nothing of it: it was away, and now the first one is. */
  async function addedWhileAway([buyer, seller, carrier, late]: readonly [One, One, One, One]) {
    const receivers = [seller.name, carrier.name];
    const { activity, message } = await buyer.desk.start(operator, { ...order, receivers, body: 'one' });
    await reaches(message, seller, carrier);
    await late.close();
    const add = [{ party: late.name, role: 'receiver' as const }];
    const added = await buyer.desk.changeMembers(operator, activity, { add });
    await reaches(added.message, seller, carrier);
    await buyer.close();
    return { activity, message, added: added.message };
  }

  it('is not kept out of what was in between by one that gives it a later change first', async () => {
    let keeping: Net | undefined;
    const wrapNet = (net: Net): Net =>
      changingAnswers(blameless(net), activityProtocols.messages, (items) => (net === keeping ? [] : items));
    const [buyer] = await world.open(1, { wrapNet });
    // It would tell its own key again, some time after the one that it tells here.
    const [seller] = await world.open(1, { wrapNet, settings: { compareMs: 3_600_000 } });
    const [carrier, late] = await world.open(2, { wrapNet });
    keeping = seller.net;
    const { activity, message, added } = await addedWhileAway([buyer, seller, carrier, late]);
    const read = async (id: Hash): Promise<Message> => messageOf((await carrier.store.message(id))!);
    const addition = await read(added);
    const known = takeMessage(activityNetwork, startActivity(await read(message)), addition, { isWanted: true });
    // By right it tells another key.
    const key = randomKey();
    const rekeyed = membersOf(known).members.map((one) => (one.address === seller.address ? { ...one, key } : one));
    const later = await changeMembers(known, seller.person, rekeyed);
    await late.open();
    await world.connect();
    for (const to of [carrier, late]) await deliver(seller, to, [sealedIn(later)]);
    await reaches(later.id, carrier, late);
    await reaches(added, late);
    await buyer.open();
    await world.connect();
    await reaches(later.id, buyer);
    const next = await carrier.desk.update(operator, activity, { body: 'two' });
    await reaches(next.message, buyer, late);
    expect(await late.state(activity)).to.include({ epoch: 2 });
    expect(await headsOf(late, activity)).to.deep.equal([next.message]);
  });

  it('comes in by what another member has of its addition, where its initiator is away for long', async () => {
    const [buyer, seller, carrier, late] = await world.open(4, { settings: { incompleteMs: 1_000 } });
    const { activity, message, added } = await addedWhileAway([buyer, seller, carrier, late]);
    await late.open();
    await world.connect();
    const said = await carrier.desk.note(operator, activity, { on: message, body: 'to all' });
    await reaches(said.message, seller);
    await reaches(added, late);
    expect(await late.state(activity)).to.include({ epoch: 1 });
    expect((await late.desk.show(operator, activity)).members).to.have.length(4);
  });

  it('comes in with the next change by its initiator, where whoever was to add it does not', async () => {
    let keeping: { readonly net: Net; readonly from: Address } | undefined;
    const wrapNet = (net: Net): Net => {
      const { request } = net;
      const kept: Net['request'] = (to, protocol, ...rest) => {
        if (keeping?.net === net && to === keeping.from && protocol === activityProtocols.deliver)
          throw new NotariumError('peer-unreachable', 'kept back');
        return request(to, protocol, ...rest);
      };
      return Object.assign(blameless(net), { request: kept });
    };
    const [buyer, seller, carrier, late, other] = await withOneProposer({ wrapNet });
    const receivers = [seller.name, carrier.name];
    const { activity, message } = await buyer.desk.start(operator, { ...order, receivers, body: 'one' });
    await reaches(message, seller, carrier);
    keeping = { net: seller.net, from: late.address };
    const asked = await seller.desk.propose(operator, activity, { add: { party: late.name, role: 'receiver' } });
    await reaches(asked.message, buyer);
    await buyer.desk.vote(operator, activity, { on: asked.message, approve: true });
    await until('it is added, and told where it stands', async () => {
      const { members, heads } = await buyer.state(activity);
      return members.length === 4 && heads[0] !== message;
    });
    const add = [{ party: other.name, role: 'receiver' as const }];
    const next = await buyer.desk.changeMembers(operator, activity, { add });
    const update = await buyer.desk.update(operator, activity, { body: 'two' });
    await reaches(next.message, seller, carrier, late, other);
    await reaches(update.message, late);
    expect(await late.state(activity)).to.include({ epoch: 2 });
    // Since it was added, and not only since that change.
    const epochs = (await Array.fromAsync(await late.store.messages(activity, 0, 256))).map(
      (one) => messageOf(one).head,
    );
    expect(epochs.some(({ type, epoch }) => type === 'members' && epoch === 1)).to.equal(true);
  });

  it('and removed unheard before is in again with the next change by its initiator, and nothing of between is told as missing', async () => {
    const settings = { incompleteMs: 600_000 };
    let aheadMs = 0;
    const clock = { ...systemClock, nowMs: () => Date.now() + aheadMs };
    const [buyer, seller, carrier, late, other] = await withOneProposer({ wrapNet: blameless, settings, clock });
    const receivers = [seller, carrier, late].map(({ name }) => name);
    const { activity, message } = await buyer.desk.start(operator, { ...order, receivers, body: 'one' });
    await reaches(message, seller, carrier, late);
    const removed = await buyer.desk.changeMembers(operator, activity, { remove: [late.name] });
    await reaches(removed.message, seller, carrier);
    const asked = await seller.desk.propose(operator, activity, { add: { party: late.name, role: 'receiver' } });
    await reaches(asked.message, buyer);
    await buyer.desk.vote(operator, activity, { on: asked.message, approve: true });
    await until('it is added', async () => (await seller.state(activity)).members.length === 4);
    const between = await seller.desk.update(operator, activity, { body: 'two' });
    await reaches(between.message, buyer, carrier);
    // A vote makes nobody forget what it knows.
    await until('it holds that', async () => (await late.store.held(activity)).length > 0);
    expect(await late.state(activity)).to.include({ epoch: 0 });
    const add = [{ party: other.name, role: 'receiver' as const }];
    const next = await buyer.desk.changeMembers(operator, activity, { add });
    const last = await buyer.desk.update(operator, activity, { body: 'three' });
    await reaches(next.message, seller, carrier, late, other);
    await reaches(last.message, late);
    expect(await late.state(activity)).to.include({ epoch: 3 });
    // What is missing is told from now on.
    await until(
      'what was asked for has come',
      async () => (await late.desk.show(operator, activity)).doubts.length === 0,
    );
    aheadMs = 2 * settings.incompleteMs;
    let looks = 0;
    const clear = late.problems.clear.bind(late.problems);
    late.problems.clear = (code) => {
      if (code === 'activity-forked') looks++;
      return clear(code);
    };
    await until('it has looked with that time', () => looks >= 2);
    expect(late.problems.has('activity-incomplete')).to.equal(false);
  });
});
