import { expect } from 'chai';
import type { Hash } from '../../../../services/core/bytes.ts';
import type { ActivityStore } from '../../../../services/store/activities/ActivityStore.ts';
import { type ActivityNode, ActivityWorld, operator, reaches } from '../../../support/activityNodes.ts';
import { until } from '../../../support/until.ts';

const order = { kind: 'industrial', request: 'trust', body: 1 } as const;

describe('a list of activities', () => {
  let world: ActivityWorld;
  beforeEach(() => {
    world = new ActivityWorld();
  });
  afterEach(() => world.close());

  const listed = async (node: ActivityNode) => (await node.desk.list(operator, { limit: 9 })).items;

  /** Of an activity and of all nodes: what the list says is what the activity says that is read whole. */
  async function isAsShown(nodes: readonly ActivityNode[], activity: Hash): Promise<void> {
    for (const node of nodes)
      await until(`${node.name} lists it as it is`, async () => {
        const { terms, members, isInConflict, versions, proposals, forks, doubts, unrecorded, refused, ...summary } =
          await node.desk.show(operator, activity);
        const [item] = await listed(node);
        // While something comes the two may be of different times.
        if (item!.messageCount !== summary.messageCount) return false;
        expect(item).to.deep.equal(summary);
        return true;
      });
  }

  it('says what the activity says, after each kind of message', async () => {
    const nodes = await world.open(4);
    const [buyer, seller, carrier, regulator] = nodes;
    const receivers = [seller.name, carrier.name];
    const { activity, message } = await buyer.desk.start(operator, { ...order, receivers });
    const all = nodes.slice(0, 3);
    await reaches(message, seller, carrier);
    await isAsShown(all, activity);
    expect((await listed(seller))[0]).to.include({ initiator: buyer.address, memberCount: 3, doubtCount: 0 });
    for (const node of [seller, carrier]) await node.desk.countersign(operator, activity, message);
    await until('it has a certificate', () =>
      carrier.desk.certificate(operator, activity, message).catch(() => undefined),
    );
    await isAsShown(all, activity);
    const note = await seller.desk.note(operator, activity, { on: message, body: 'a note' });
    await reaches(note.message, buyer, carrier);
    await isAsShown(all, activity);
    const update = await seller.desk.update(operator, activity, { builds: [message], body: 2 });
    await reaches(update.message, buyer, carrier);
    await isAsShown(all, activity);
    const proposed = await seller.desk.propose(operator, activity, {
      add: { party: regulator.name, role: 'regulator' },
    });
    await reaches(proposed.message, buyer, carrier);
    await isAsShown(all, activity);
    const vote = await carrier.desk.vote(operator, activity, { on: proposed.message, approve: true });
    await reaches(vote.message, buyer, seller);
    await until('it is carried out', async () => (await listed(regulator)).length === 1);
    await isAsShown(nodes, activity);
    const left = await carrier.desk.leave(operator, activity);
    await reaches(left.message, buyer, seller);
    await until('it is let go', async () => (await listed(buyer))[0]!.epoch > 1);
    await isAsShown(nodes, activity);
    expect((await listed(carrier))[0]).not.to.have.property('role');
    expect((await listed(buyer))[0]).to.include({ role: 'initiator', kind: 'industrial', request: 'trust' });
  });

  it('keeps what it shows, once, of those that were there before that was kept with each change', async () => {
    let made: Hash[] = [];
    let isKept = false;
    const old = (store: ActivityStore): ActivityStore => ({
      ...store,
      setSummary: async (id, summary) => {
        made.push(id);
        await store.setSummary(id, summary);
      },
      save: async ({ summary, ...change }) =>
        await store.save({ ...change, ...(isKept && summary !== undefined ? { summary } : {}) }),
    });
    const [buyer] = await world.open(1, { wrapStore: old });
    const [seller] = world.add(1);
    const start = async () =>
      await buyer.desk.start(operator, { ...order, request: 'information', receivers: [seller!.name] });
    const before = [await start(), await start()];
    isKept = true;
    await start();
    const first = await listed(buyer);
    expect(first).to.have.length(3);
    expect(made).to.have.members(before.map(({ activity }) => activity));
    made = [];
    expect(await listed(buyer)).to.deep.equal(first);
    // Changed, it is kept with the change.
    const { activity, message } = before[0]!;
    await buyer.desk.note(operator, activity, { on: message, body: 'a note' });
    expect((await listed(buyer))[0]).to.include({ id: activity, messageCount: 2 });
    expect(made).to.deep.equal([]);
    await buyer.close();
    await buyer.open();
    expect(await listed(buyer)).to.have.length(3);
    expect(made).to.deep.equal([]);
  });
});
