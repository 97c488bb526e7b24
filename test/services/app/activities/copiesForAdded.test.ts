import { expect } from 'chai';
import { noteOn } from '../../../support/activityKit.ts';
import { ActivityWorld, operator, reaches } from '../../../support/activityNodes.ts';
import { activityOf, hostilePeer, sealedIn } from '../../../support/hostilePeer.ts';

describe('what a node has said before somebody is added', () => {
  let world: ActivityWorld;
  beforeEach(() => {
    world = new ActivityWorld();
  });
  afterEach(() => world.close());

  it('comes to who is added also where it was on its way to who has added it', async () => {
    // Nobody is to find out in another way that something is missing.
    const [buyer, seller, carrier] = await world.open(3, { settings: { compareMs: 3_600_000 } });
    const { activity, message } = await buyer.desk.start(operator, {
      ...{ kind: 'industrial', request: 'information', receivers: [seller.name], body: { step: 1 } },
    });
    await reaches(message, seller);
    await buyer.close();
    const said = await seller.desk.note(operator, activity, { on: message, body: 'weighed' });
    await seller.close();
    await buyer.open();
    await world.connect();
    const add = [{ party: carrier.name, role: 'receiver' as const }];
    const changed = await buyer.desk.changeMembers(operator, activity, { add });
    await reaches(changed.message, carrier);
    await reaches(message, carrier);
    expect(await carrier.has(said.message)).to.equal(false);
    await seller.open();
    await world.connect();
    await reaches(changed.message, seller);
    await reaches(said.message, buyer, carrier);
  });

  it('comes to them at once in part where it is much, and the rest by comparison', async () => {
    const [buyer, seller, ...added] = await world.open(5);
    const absent = world.add(1);
    const { activity, message } = await buyer.desk.start(operator, {
      ...{ kind: 'industrial', request: 'information', receivers: [seller.name], body: { step: 1 } },
    });
    await reaches(message, seller);
    await buyer.close();
    const notes = [];
    for (let at = 0; at < 10; at++)
      notes.push(await seller.desk.note(operator, activity, { on: message, body: `${at}`.repeat(1 << 20) }));
    await seller.close();
    await buyer.open();
    await world.connect();
    const add = [...added, ...absent].map(({ name }) => ({ party: name, role: 'receiver' as const }));
    const changed = await buyer.desk.changeMembers(operator, activity, { add });
    await reaches(changed.message, ...added);
    // Registered no more.
    world.nodes.pop();
    await seller.open();
    await world.connect();
    await reaches(changed.message, seller);
    const said = new Set(notes.map((note) => note.message));
    const queued = (await seller.store.deliveries(activity)).filter((one) => said.has(one.message));
    const copies = queued.filter(({ member }) => member !== buyer.address);
    expect(copies).to.have.length(15);
    expect(copies.filter(({ member }) => absent.some(({ address }) => address === member))).to.deep.equal([]);
    for (const note of notes) await reaches(note.message, buyer, ...added);
  });

  it('comes to them at once where it is among the newest of many messages, and else by comparison', async () => {
    const [buyer, seller, other, added] = await world.open(4, { settings: { compareMs: 3_600_000 } });
    const { activity, message: on } = await buyer.desk.start(operator, {
      ...{ kind: 'industrial', request: 'information', receivers: [seller.name, other.name], body: { step: 1 } },
    });
    await reaches(on, seller, other);
    await buyer.close();
    const chatty = await hostilePeer(world, other);
    const old = await seller.desk.note(operator, activity, { on, body: 'long ago' });
    const place = await activityOf(seller, activity);
    for (let count = 0; count < 4; count++) {
      const notes = await Promise.all(Array.from({ length: 256 }, () => noteOn(place, chatty.person, on)));
      const envelopes = await Promise.all(notes.map((note) => sealedIn(place, note)));
      const answers = await chatty.deliver(seller, ...envelopes.map((envelope) => JSON.stringify(envelope)));
      expect(answers.every(({ ack }) => ack?.stage === 'read')).to.equal(true);
    }
    const young = await seller.desk.note(operator, activity, { on, body: 'just now' });
    await seller.close();
    await buyer.open();
    await world.connect();
    const add = [{ party: added.name, role: 'receiver' as const }];
    const changed = await buyer.desk.changeMembers(operator, activity, { add });
    await reaches(changed.message, added);
    await seller.open();
    await world.connect();
    await reaches(changed.message, seller);
    const sent = (await seller.store.deliveries(activity)).filter(({ member }) => member === added.address);
    expect(sent.map(({ message }) => message))
      .to.include(young.message)
      .and.not.include(old.message);
    await reaches(young.message, added);
    // After a start what was there before is compared at once, by whichever of two asks first.
    await Promise.all([seller, added].map((node) => node.close()));
    await Promise.all([seller, added].map((node) => node.open()));
    await world.connect();
    await reaches(old.message, added);
  });
});
