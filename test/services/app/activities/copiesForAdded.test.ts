import { expect } from 'chai';
import { ActivityWorld, operator, reaches } from '../../../support/activityNodes.ts';

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
});
