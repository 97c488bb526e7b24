import { expect } from 'chai';
import { messageOf } from '../../../../services/app/activities/Activities.ts';
import { type Activity, certificatesOn } from '../../../../services/core/activities/activity.ts';
import type { Message } from '../../../../services/core/activities/parcel.ts';
import { startActivity, takeMessage } from '../../../../services/core/activities/takeMessage.ts';
import type { Hash } from '../../../../services/core/bytes.ts';
import { activityNetwork, certify } from '../../../support/activityKit.ts';
import { type ActivityNode, ActivityWorld, operator, reaches } from '../../../support/activityNodes.ts';
import { deliver, sealedIn } from '../../../support/activityWire.ts';
import { until } from '../../../support/until.ts';

const trust = { kind: 'industrial', request: 'trust', body: 1 } as const;

describe('a certificate that a member makes and does not notarise', () => {
  let world: ActivityWorld;
  let buyer: ActivityNode;
  let seller: ActivityNode;
  let mallory: ActivityNode;
  let activity: Hash;
  let version: Hash;
  beforeEach(async () => {
    world = new ActivityWorld();
    [buyer, seller, mallory] = await world.open(3, { settings: { incompleteMs: 500 } });
  });
  afterEach(() => world.close());

  async function begin(by: ActivityNode): Promise<void> {
    const others = [buyer, seller, mallory].filter((node) => node !== by);
    const sent = await by.desk.start(operator, { ...trust, receivers: others.map(({ name }) => name) });
    ({ activity, message: version } = sent);
    await reaches(version, ...others);
    for (const node of others) await node.desk.countersign(operator, activity, version);
  }

  const recordAt = (node: ActivityNode) =>
    node.desk.certificateRecord(operator, activity, version).catch(() => undefined);
  const isNotarised = () =>
    until('the log has it, for both', async () => {
      const [one, other] = await Promise.all([buyer, seller].map(recordAt));
      return one !== undefined && one === other;
    });

  it('takes that of another one away from nobody', async () => {
    await begin(buyer);
    await isNotarised();
    const before = await recordAt(seller);
    const made = await buyer.desk.certificate(operator, activity, version);
    const [start, ...rest] = (await buyer.store.messages(activity, 0, 1000)).map(messageOf);
    let now: Activity = startActivity(start!);
    for (const message of rest) now = takeMessage(activityNetwork, now, message, { isWanted: true });
    const [first] = certificatesOn(now, version);
    let lower: Message;
    do lower = await certify(now, mallory.person, version, made.signatures);
    while (lower.id > first!);
    for (const node of [buyer, seller]) await deliver(mallory, node, [sealedIn(start!, lower)]);
    await reaches(lower.id, buyer, seller);
    for (const node of [buyer, seller]) {
      expect(await recordAt(node)).to.equal(before);
      expect(await node.desk.certificate(operator, activity, version)).to.deep.equal(made);
    }
  });

  it('is followed by that of another one', async () => {
    world.isLogAway = true;
    await begin(mallory);
    await until('all have its certificate', async () => {
      const all = await Promise.all(
        [buyer, seller].map((node) => node.desk.certificate(operator, activity, version).catch(() => undefined)),
      );
      return all.every(Boolean);
    });
    const made = await buyer.desk.certificate(operator, activity, version);
    await mallory.close();
    world.isLogAway = false;
    await isNotarised();
    expect(await buyer.desk.certificate(operator, activity, version)).to.not.deep.equal(made);
    expect((await buyer.desk.certificate(operator, activity, version)).signatures).to.have.length(3);
  });
});
