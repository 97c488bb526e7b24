import { expect } from 'chai';
import type { ActivitySettings } from '../../../../services/app/activities/ActivityHost.ts';
import type { Hash } from '../../../../services/core/bytes.ts';
import { type ActivityNode, ActivityWorld, operator, reaches } from '../../../support/activityNodes.ts';
import { until } from '../../../support/until.ts';

/** More than one step makes certificates of. */
const count = 100;
/** What is overdue is not looked for in the time of a test. */
const nothingOverdue = { compareMs: 3_600_000 };

describe('versions that lack the signature of one member alone', function () {
  this.timeout(120_000);
  let world: ActivityWorld;
  beforeEach(() => {
    world = new ActivityWorld();
  });
  afterEach(() => world.close());

  const versionsOf = async (node: ActivityNode, activity: Hash) => (await node.desk.show(operator, activity)).versions;
  const namesIn = async (node: ActivityNode, activity: Hash) =>
    (await node.desk.show(operator, activity)).members.map(({ name }) => name);

  /** Three nodes, the third of which signs nothing; the two others have signed everything that one of them has said. */
  async function unsigned(
    speaking: 0 | 1 = 0,
    settings: Partial<ActivitySettings> = {},
  ): Promise<{ nodes: [ActivityNode, ActivityNode, ActivityNode]; activity: Hash }> {
    const nodes = await world.open(3, { settings });
    const [buyer, seller, silent] = nodes;
    const receivers = [seller.name, silent.name];
    const { activity, message } = await buyer.desk.start(operator, {
      ...{ kind: 'industrial', request: 'trust', receivers, body: 0 },
    });
    await reaches(message, seller);
    const said = [message];
    for (let at = 1; at < count; at++)
      said.push((await nodes[speaking].desk.update(operator, activity, { body: at })).message);
    await reaches(said.at(-1)!, ...nodes);
    const [first, ...next] = said;
    await seller.desk.countersign(operator, activity, first!);
    for (const version of next) await nodes[1 - speaking]!.desk.countersign(operator, activity, version);
    await until('both have signed', async () => {
      const versions = await versionsOf(buyer, activity);
      return versions.filter(({ countersigned }) => countersigned.length === 2).length === count;
    });
    return { nodes, activity };
  }
  const certified = (node: ActivityNode, activity: Hash) =>
    until('all have a certificate', async () => {
      const versions = await versionsOf(node, activity);
      return versions.length === count && versions.every(({ certificate }) => certificate !== undefined);
    });

  it('do not keep it from being removed, and have their certificates soon after that', async () => {
    const { nodes, activity } = await unsigned(0, nothingOverdue);
    const [buyer, seller, silent] = nodes;
    const removal = await buyer.desk.changeMembers(operator, activity, { remove: [silent.name] });
    await reaches(removal.message, seller);
    expect(await namesIn(seller, activity)).to.deep.equal([buyer.name, seller.name]);
    await certified(buyer, activity);
    await certified(seller, activity);
  });

  it('do not keep a removal that was voted from being carried out by another one than the proposer', async () => {
    const { nodes, activity } = await unsigned();
    const [buyer, seller, silent] = nodes;
    const proposal = await seller.desk.propose(operator, activity, { remove: silent.name });
    await reaches(proposal.message, buyer);
    await until('the proposer has approved it', async () => {
      const { proposals } = await buyer.desk.show(operator, activity);
      return proposals[0]!.votes.length === 1;
    });
    await seller.close();
    await buyer.desk.vote(operator, activity, { on: proposal.message, approve: true });
    const [first] = await versionsOf(buyer, activity);
    await buyer.desk.note(operator, activity, { on: first!.id, body: 'without it' });
    expect(await namesIn(buyer, activity)).to.deep.equal([buyer.name, seller.name]);
    await certified(buyer, activity);
  });

  it('do not keep it from leaving', async () => {
    const { nodes, activity } = await unsigned(1, nothingOverdue);
    const [buyer, seller, silent] = nodes;
    const left = await silent.desk.leave(operator, activity);
    await reaches(left.message, buyer, seller);
    await certified(buyer, activity);
    await certified(seller, activity);
    expect(await namesIn(seller, activity)).to.deep.equal([buyer.name, seller.name]);
  });

  it('have certificates by another one where their sender is away', async () => {
    const { nodes, activity } = await unsigned(1);
    const [buyer, seller, silent] = nodes;
    await seller.close();
    await buyer.desk.changeMembers(operator, activity, { remove: [silent.name] });
    await certified(buyer, activity);
    expect(await buyer.counted('messages_sent_total', { type: 'certificate' })).to.equal(count);
  });
});
