import { expect } from 'chai';
import { messageOf } from '../../../../services/app/activities/Activities.ts';
import { type FieldBody, readFields } from '../../../../services/core/activities/fields.ts';
import type { HeadOf } from '../../../../services/core/activities/message.ts';
import type { Message } from '../../../../services/core/activities/parcel.ts';
import { pointerOf } from '../../../../services/core/activities/pointer.ts';
import { activitySubject, blindedGroup } from '../../../../services/core/activities/sealed.ts';
import { startActivity } from '../../../../services/core/activities/takeMessage.ts';
import { fromHex, type Hash } from '../../../../services/core/bytes.ts';
import { digestText } from '../../../../services/core/record.ts';
import { openingKey, Sealer, unseal } from '../../../../services/lib/activities/seal.ts';
import { changeMembers, memberFor, noteOn, propose, say, update } from '../../../support/activityKit.ts';
import { type ActivityNode, ActivityWorld, operator, reaches } from '../../../support/activityNodes.ts';
import { deliver, sealedIn } from '../../../support/activityWire.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { threeVersions } from '../../../support/threeVersions.ts';
import { until } from '../../../support/until.ts';

const order = { kind: 'industrial', request: 'information' } as const;

describe('members of activities', () => {
  let world: ActivityWorld;
  let nodes: [ActivityNode, ActivityNode, ActivityNode, ActivityNode];
  beforeEach(async () => {
    world = new ActivityWorld();
    nodes = await world.open(4);
  });
  afterEach(() => world.close());

  const begun = (history: boolean) => threeVersions(nodes, history);

  it('that join later are given what was before, where the rules say so', async () => {
    const [buyer, seller, carrier] = nodes;
    const { activity, messages } = await begun(true);
    const changed = await buyer.desk.changeMembers(operator, activity, {
      add: [{ party: carrier.name, role: 'receiver' }],
    });
    await reaches(changed.message, seller, carrier);
    await reaches(messages[2]!, carrier);
    expect(await carrier.state(activity)).to.deep.equal(await buyer.state(activity));
    const first = await carrier.desk.message(operator, activity, messages[0]!);
    expect(first.sealDigest, 'the seal that the log has').to.equal(
      (await buyer.desk.message(operator, activity, messages[0]!)).sealDigest,
    );
    const next = await carrier.desk.update(operator, activity, { body: { step: 4 } });
    await reaches(next.message, buyer, seller);
    await carrier.close();
    await carrier.open();
    expect(await carrier.state(activity)).to.deep.equal(await buyer.state(activity));
  });

  it('that join later are given nothing from before, where the rules say so, and where it stands to build on', async () => {
    const [buyer, seller, carrier] = nodes;
    const { activity, messages } = await begun(false);
    const changed = await buyer.desk.changeMembers(operator, activity, {
      add: [{ party: carrier.name, role: 'receiver' }],
    });
    await reaches(changed.message, seller, carrier);
    const base = await until('it has where it stands', async () => (await carrier.state(activity)).heads[0]);
    const { parcel, sender } = await carrier.desk.message(operator, activity, base);
    expect(parcel.body).to.have.property('body').that.deep.equals({ step: 3 });
    expect(sender).to.equal(buyer.address);
    expect(parcel.head).to.include({ type: 'update', number: 4 });
    expect((await carrier.store.known(messages)).size).to.equal(0);
    const own = await carrier.desk.update(operator, activity, { body: { step: 5 } });
    await reaches(own.message, buyer, seller);
    expect((await buyer.desk.show(operator, activity)).heads).to.deep.equal([own.message]);
    await carrier.close();
    await carrier.open();
    expect((await carrier.desk.show(operator, activity)).heads).to.deep.equal([own.message]);
  });

  it('that join later get the present version with the fields that it had, however much else is in it', async () => {
    const [buyer, seller, carrier] = nodes;
    const body = { price: { amount: 5, currency: 'EUR' }, rows: Array.from({ length: 5000 }, (_, index) => index) };
    const { activity, message } = await buyer.desk.start(operator, {
      ...{ kind: 'industrial', request: 'information', rules: { history: false } },
      ...{ receivers: [seller.name], body, fields: ['price.amount'] },
    });
    await reaches(message, seller);
    const added = await buyer.desk.changeMembers(operator, activity, {
      add: [{ party: carrier.name, role: 'receiver' }],
    });
    await reaches(added.message, carrier);
    const base = await until('it has where it stands', async () => (await carrier.state(activity)).heads[0]);
    const { parcel } = await carrier.desk.message(operator, activity, base);
    const fields = readFields(parcel.body as FieldBody);
    expect(fields.body).to.deep.equal(body);
    expect(fields.shown.map(pointerOf)).to.have.members(['/price', '/price/amount', '/price/currency', '/rows']);
  });

  it('that are removed read nothing newer, and nothing of theirs is taken; added again, they are back', async () => {
    const [buyer, seller, carrier] = nodes;
    const { activity } = await begun(false);
    const added = await buyer.desk.changeMembers(operator, activity, {
      add: [{ party: carrier.name, role: 'receiver' }],
    });
    await reaches(added.message, seller, carrier);
    await reaches((await buyer.desk.update(operator, activity, { body: { step: 4 } })).message, seller, carrier);
    const removed = await buyer.desk.changeMembers(operator, activity, { remove: [carrier.name] });
    await reaches(removed.message, seller);
    const secret = await buyer.desk.update(operator, activity, { body: { step: 'without the carrier' } });
    await reaches(secret.message, seller);
    expect(await carrier.has(removed.message)).to.equal(false);
    const stale = await carrier.desk.update(operator, activity, { body: { step: 'too late' } });
    await until('the others refuse it', async () => {
      const states = await carrier.desk.deliveries(operator, activity, stale.message);
      return states.length === 2 && states.every(({ problem }) => problem?.code === 'activity-epoch-stale');
    });
    expect(await buyer.has(stale.message)).to.equal(false);
    const again = await buyer.desk.changeMembers(operator, activity, {
      add: [{ party: carrier.name, role: 'receiver' }],
    });
    await reaches(again.message, seller, carrier);
    expect(await carrier.has(secret.message), 'what was said meanwhile').to.equal(false);
    const base = (await buyer.state(activity)).heads[0]!;
    await reaches(base, carrier);
    const back = await carrier.desk.update(operator, activity, { body: { step: 'back' }, builds: [base] });
    await reaches(back.message, buyer, seller);
    await carrier.close();
    await carrier.open();
    expect((await carrier.desk.show(operator, activity)).epoch).to.equal(3);
    expect((await carrier.desk.show(operator, activity)).versions.map(({ id }) => id)).to.contain(back.message);
  });

  it('propose and vote; the proposer carries it out; a regulator may do neither, nor update', async () => {
    const [buyer, seller, carrier, regulator] = nodes;
    const { activity, message } = await buyer.desk.start(operator, {
      ...{ ...order, receivers: [seller.name, carrier.name], body: 1 },
    });
    await reaches(message, seller, carrier);
    await expectCode(
      'activity-role',
      seller.desk.changeMembers(operator, activity, { add: [{ party: regulator.name, role: 'regulator' }] }),
    );
    const proposed = await seller.desk.propose(operator, activity, {
      add: { party: regulator.name, role: 'regulator' },
    });
    await reaches(proposed.message, buyer, carrier);
    await expectCode('activity-role', seller.desk.changeMembers(operator, activity, { proposal: proposed.message }));
    await carrier.desk.vote(operator, activity, { on: proposed.message, approve: true });
    await until(
      'the regulator is in',
      async () => (await regulator.desk.list(operator, { limit: 1 })).items.length === 1,
    );
    await reaches(message, regulator);
    await until('all see the same members', async () => {
      const states = await Promise.all(nodes.map((node) => node.state(activity).catch(() => undefined)));
      return states.every((state) => state?.epoch === 1 && state.members.length === 4);
    });
    await expectCode('activity-role', regulator.desk.update(operator, activity, { body: 2 }));
    await expectCode('activity-role', regulator.desk.propose(operator, activity, { remove: seller.name }));
    const noted = await regulator.desk.note(operator, activity, { on: message, body: 'seen' });
    await reaches(noted.message, buyer, seller, carrier);
    const left = await carrier.desk.leave(operator, activity);
    await reaches(left.message, buyer, seller, regulator);
    await expectCode('activity-not-member', carrier.desk.update(operator, activity, { body: 3 }));
    expect((await carrier.desk.show(operator, activity)).role).to.equal(undefined);
  });

  it('that leave know no secret of what comes after them, and get nothing of it', async () => {
    const [buyer, seller, carrier] = nodes;
    const { activity, message } = await buyer.desk.start(operator, {
      ...{ ...order, receivers: [seller.name, carrier.name], body: 1 },
    });
    await reaches(message, seller, carrier);
    const left = await carrier.desk.leave(operator, activity);
    await until('another one has let it go', async () => (await seller.state(activity)).epoch === 1);
    await until('all know', async () => (await buyer.state(activity)).epoch === 1);
    expect((await buyer.state(activity)).members.map(({ address }) => address)).not.to.include(carrier.address);
    await until('the log has the records from before', () => world.records.length >= 3);
    const later = await seller.desk.update(operator, activity, { body: 'after it has left' });
    await reaches(later.message, buyer);
    const stored = (await buyer.store.message(later.message))!;
    await until('the log has it', () =>
      world.records.some(({ digest }) => digest === digestText(fromHex(stored.sealDigest))),
    );
    // All that the carrier has: what it took, and its keys.
    const material = await carrier.store.messages(activity);
    expect(material.map(({ id }) => id))
      .to.include(left.message)
      .and.not.to.include(later.message);
    const secrets = material.flatMap(({ parcel }) => {
      const { secret } = messageOf({ id: later.message, parcel }).head as { secret?: Hash };
      return secret ? [secret] : [];
    });
    expect(secrets).to.have.length(1);
    const opener = (await buyer.store.messages(activity)).find(({ type }) => type === 'members')!;
    expect(opener.sender).to.equal(buyer.address);
    const next = (messageOf(opener).head as { secret: Hash }).secret;
    expect(secrets).not.to.include(next);
    for (const { id } of [opener, stored]) {
      const subjects = world.records.map(({ subject }) => subject);
      expect(subjects).to.include(activitySubject(blindedGroup(next, id)));
      for (const secret of secrets) expect(subjects).not.to.include(activitySubject(blindedGroup(secret, id)));
      const sealed = new Sealer().seal(messageOf((await buyer.store.message(id))!), next, [
        buyer.person,
        seller.person,
      ]);
      await expectCode('activity-message-unreadable', () => unseal(sealed, [openingKey(carrier.person.secret)]));
      const deliveries = [
        ...(await buyer.desk.deliveries(operator, activity, id)),
        ...(await seller.desk.deliveries(operator, activity, id)),
      ];
      expect(deliveries.map(({ member }) => member)).not.to.include(carrier.address);
      expect(await carrier.has(id)).to.equal(false);
    }
  });

  it('leave though the initiator is away: who sends next lets them go first', async () => {
    const [buyer, seller, carrier] = nodes;
    const { activity, message } = await buyer.desk.start(operator, {
      ...{ ...order, receivers: [seller.name, carrier.name], body: 1 },
    });
    await reaches(message, seller, carrier);
    await buyer.close();
    const left = await carrier.desk.leave(operator, activity);
    await reaches(left.message, seller);
    const next = await seller.desk.update(operator, activity, { body: 2 });
    expect((await seller.state(activity)).epoch).to.equal(1);
    const states = await seller.desk.deliveries(operator, activity, next.message);
    expect(states.map(({ member }) => member)).to.deep.equal([buyer.address]);
    await buyer.open();
    await world.connect();
    await reaches(next.message, buyer);
    await until('all are in one epoch', async () => {
      const [one, two] = await Promise.all([buyer.state(activity), seller.state(activity)]);
      return JSON.stringify(one) === JSON.stringify(two) && one.members.length === 2;
    });
    // The initiator may leave, too; the last one may not.
    await buyer.desk.leave(operator, activity);
    await until('the seller is alone', async () => (await seller.state(activity)).members.length === 1);
    await expectCode('activity-role', seller.desk.leave(operator, activity));
    await seller.desk.update(operator, activity, { body: 'alone' });
  });

  it('leave though the members are changed at the same time', async () => {
    const [buyer, seller, carrier, late] = nodes;
    const { activity, message } = await buyer.desk.start(operator, {
      ...{ ...order, receivers: [seller.name, carrier.name], body: 1 },
    });
    await reaches(message, seller, carrier);
    await carrier.net.close();
    await Promise.all([
      carrier.desk.leave(operator, activity),
      buyer.desk.changeMembers(operator, activity, { add: [{ party: late.name, role: 'receiver' }] }),
    ]);
    await carrier.close();
    await carrier.open();
    await world.connect();
    await until('it is out for all others', async () => {
      const states = await Promise.all(
        [buyer, seller, late].map((node) => node.state(activity).catch(() => undefined)),
      );
      return states.every(
        (state) => state?.members.length === 3 && state.members.every(({ address }) => address !== carrier.address),
      );
    });
  });

  it('see each change in one order, each with a secret of its own', async () => {
    const [buyer, seller, carrier, late] = nodes;
    const { activity, message } = await buyer.desk.start(operator, {
      ...{ ...order, receivers: [seller.name, carrier.name], body: 1 },
    });
    await reaches(message, seller, carrier);
    const add = [{ party: late.name, role: 'regulator' as const }];
    const changes = [
      await buyer.desk.changeMembers(operator, activity, { add }),
      await buyer.desk.changeMembers(operator, activity, { remove: [carrier.name] }),
      await buyer.desk.changeMembers(operator, activity, { add: [{ party: carrier.name, role: 'receiver' }] }),
    ];
    await reaches(changes[2]!.message, seller, carrier, late);
    const told = async (node: ActivityNode) => {
      const all = (await node.store.messages(activity)).filter(({ type }) => type === 'members' || type === 'start');
      const heads = all.map((each) => messageOf(each).head as HeadOf<'members'>);
      return heads.map(({ membership, secret, group }) => ({ epoch: membership.epoch, secret, group }));
    };
    const order4 = await told(buyer);
    expect(order4.map(({ epoch }) => epoch)).to.deep.equal([0, 1, 2, 3]);
    expect(new Set(order4.map(({ secret }) => secret)).size).to.equal(4);
    for (const node of [seller, late]) expect(await told(node)).to.deep.equal(order4);
  });

  it('may do no more than their role allows, also where their own program lets them', async () => {
    const [buyer, seller, regulator, stranger] = nodes;
    const { activity, message } = await buyer.desk.start(operator, {
      ...{ ...order, receivers: [seller.name], regulators: [regulator.name], body: 1 },
    });
    await reaches(message, seller, regulator);
    const first = messageOf((await buyer.store.message(message))!);
    const known = startActivity(first);
    const proposed = await seller.desk.propose(operator, activity, { remove: regulator.name });
    await reaches(proposed.message, buyer, regulator);
    const place = { activity, epoch: 0, group: known.group };
    const add = { add: memberFor(stranger.person, 'receiver') };
    const remove = { remove: seller.address };
    const cases: [string, ActivityNode, Message][] = [
      ['activity-role', regulator, await update(known, regulator.person)],
      ['activity-role', regulator, await propose(known, regulator.person, remove)],
      [
        'activity-role',
        regulator,
        await say(regulator.person, 'vote', { ...place, on: proposed.message, approve: true }),
      ],
      ['activity-role', regulator, await changeMembers(known, regulator.person, add)],
      ['activity-role', regulator, await changeMembers(known, regulator.person, remove)],
      ['activity-role', regulator, await changeMembers(known, regulator.person, { remove: regulator.address })],
      ['activity-role', seller, await changeMembers(known, seller.person, add)],
    ];
    for (const [code, by, sent] of cases) {
      const opens = sent.head.type === 'members' ? sent : first;
      const [answer] = await deliver(by, buyer, [sealedIn(opens, sent)]);
      expect(answer, `${sent.head.type} of ${by.name}`).to.include({ code });
    }
    // Who was never in it does not even learn that there is one.
    const before = await buyer.state(activity);
    for (const sent of [
      await update(known, stranger.person),
      await noteOn(known, stranger.person, message),
      await changeMembers(known, stranger.person, add),
    ]) {
      const opens = sent.head.type === 'members' ? sent : first;
      const [answer] = await deliver(stranger, buyer, [sealedIn(opens, sent)]);
      expect(answer).to.have.property('ack').that.includes({ stage: 'delivered' });
    }
    expect(await buyer.state(activity)).to.deep.equal(before);
    const noted = await noteOn(known, regulator.person, message);
    expect((await deliver(regulator, buyer, [sealedIn(first, noted)]))[0]).to.have.property('ack');
  });
});
