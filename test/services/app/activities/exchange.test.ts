import { expect } from 'chai';
import { messageOf } from '../../../../services/app/activities/Activities.ts';
import { noHash } from '../../../../services/core/activities/members.ts';
import { activitySubject, readProtected } from '../../../../services/core/activities/sealed.ts';
import { startActivity } from '../../../../services/core/activities/takeMessage.ts';
import type { Hash } from '../../../../services/core/bytes.ts';
import { fromHex } from '../../../../services/core/bytes.ts';
import { digestText } from '../../../../services/core/record.ts';
import type { NotariumRecord } from '../../../../services/core/recordSchema.ts';
import { randomHash, update } from '../../../support/activityKit.ts';
import { type ActivityNode, ActivityWorld, operator, reaches } from '../../../support/activityNodes.ts';
import { deliver, sealedIn } from '../../../support/activityWire.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { until } from '../../../support/until.ts';

const order = { kind: 'industrial', request: 'information' } as const;

async function stateOfDeliveries(node: ActivityNode, activity: Hash, message: Hash): Promise<string[]> {
  const all = await node.desk.deliveries(operator, activity, message);
  return all.map(({ state }) => state).toSorted();
}

describe('exchange of activities', () => {
  const worlds: ActivityWorld[] = [];
  const worldOf = async (count: number, options: Parameters<ActivityWorld['open']>[1] = {}) => {
    const world = new ActivityWorld();
    worlds.push(world);
    return { world, nodes: await world.open(count, options) };
  };
  afterEach(async () => {
    await Promise.all(worlds.splice(0).map((world) => world.close()));
  });

  it('brings a version to all members, and their acknowledgements back; the log has the digest of the seal', async () => {
    const { world, nodes } = await worldOf(3);
    const [buyer, seller, regulator] = nodes as [ActivityNode, ActivityNode, ActivityNode];
    const sent = await buyer.desk.start(operator, {
      ...{ ...order, receivers: [seller.name], regulators: [regulator.address], body: { article: 'pumps', count: 3 } },
    });
    await reaches(sent.message, seller, regulator);
    const got = await seller.desk.message(operator, sent.activity, sent.message);
    expect(got.parcel.body).to.have.property('body').that.deep.equals({ article: 'pumps', count: 3 });
    await until('both have read it', async () => {
      const states = await stateOfDeliveries(buyer, sent.activity, sent.message);
      return states.length === 2 && states.every((state) => state === 'read');
    });
    expect(await seller.state(sent.activity)).to.deep.equal(await buyer.state(sent.activity));
    await until('the record is in the log', () => world.records.length === 1);
    const [record] = world.records;
    expect(record!.digest).to.equal(digestText(fromHex(got.sealDigest)));
    expect(record!.kind).to.equal('activity');
    for (const { address } of nodes) expect(JSON.stringify(record)).not.to.contain(address.slice(2));
    const shown = await seller.desk.message(operator, sent.activity, sent.message);
    expect(shown.recordId, 'found by its digest').to.be.a('string');
  });

  it('refuses unknown, suspended and ambiguous parties before anything is sent', async () => {
    const { world, nodes } = await worldOf(2);
    const [buyer, seller] = nodes as [ActivityNode, ActivityNode];
    await world.open(1, { isSuspended: true });
    const ask = (party: string) => buyer.desk.start(operator, { ...order, receivers: [party], body: null });
    await expectCode('party-unknown', ask('Nobody'));
    await expectCode('party-unfit', ask('Node 3'));
    await expectCode('request-invalid', ask(buyer.name));
    await expectCode('request-invalid', buyer.desk.start(operator, { ...order, receivers: [], body: null }));
    seller.registered = { ...seller.registered, encryptionKey: noHash };
    await expectCode('party-unfit', ask(seller.name));
    seller.registered = { ...seller.registered, name: 'Node 1' };
    await expectCode('party-ambiguous', ask('Node 1'));
    expect((await buyer.desk.list(operator, { limit: 10 })).items).to.deep.equal([]);
    expect(world.records).to.deep.equal([]);
  });

  it('makes a certificate as soon as all have countersigned, and has it notarised on its own', async () => {
    // Nobody else makes one, however long the first one takes.
    const { world, nodes } = await worldOf(3, { settings: { compareMs: 3_600_000 } });
    const [buyer, seller, carrier] = nodes as [ActivityNode, ActivityNode, ActivityNode];
    const { activity, message } = await buyer.desk.start(operator, {
      ...{ kind: 'industrial', request: 'trust', receivers: [seller.name, carrier.name], body: { price: 12 } },
    });
    await reaches(message, seller, carrier);
    await seller.desk.countersign(operator, activity, message);
    const missing = await until('the seller has countersigned', async () => {
      const { data } = await expectCode('not-found', buyer.desk.certificate(operator, activity, message));
      return (data.missing as string[]).length === 1 && data.missing;
    });
    expect(missing).to.deep.equal([carrier.address]);
    await carrier.desk.countersign(operator, activity, message);
    await expectCode('activity-message-known', carrier.desk.countersign(operator, activity, message));
    for (const node of nodes) {
      const certificate = await until('it has the certificate', () =>
        node.desk.certificate(operator, activity, message),
      );
      expect(certificate.signatures.map(({ member }) => member)).to.deep.equal(
        nodes.map(({ address }) => address).toSorted(),
      );
    }
    const states = await stateOfDeliveries(buyer, activity, message);
    expect(states).to.deep.equal(['countersigned', 'countersigned']);
    // Start, three countersignatures, the certificate, and the record of the certificate alone.
    await until('all is in the log', () => world.records.length === 6);
    expect(new Set(world.records.map(({ subject }) => subject)).size).to.equal(6);
    expect(new Set(world.records.map(({ submitter }) => submitter)).size).to.equal(6);
  });

  it('finds versions in conflict, which a merge brings together; what builds on a replaced one is stale', async () => {
    const { nodes } = await worldOf(2);
    const [buyer, seller] = nodes as [ActivityNode, ActivityNode];
    const { activity, message } = await buyer.desk.start(operator, { ...order, receivers: [seller.name], body: 1 });
    await reaches(message, seller);
    await seller.net.close();
    const [one, two] = await Promise.all([
      buyer.desk.update(operator, activity, { body: 2 }),
      seller.desk.update(operator, activity, { body: 3 }),
    ]);
    await seller.close();
    await seller.open();
    await (nodes[0] as ActivityNode).net.peers();
    await worlds[0]!.connect();
    await reaches(one.message, seller);
    await reaches(two.message, buyer);
    const shown = await seller.desk.show(operator, activity);
    expect(shown.isInConflict).to.equal(true);
    expect(shown.heads).to.deep.equal([one.message, two.message].toSorted());
    await expectCode('activity-version-stale', seller.desk.update(operator, activity, { body: 4 }));
    await expectCode('activity-version-stale', seller.desk.update(operator, activity, { body: 4, builds: [message] }));
    const merged = await seller.desk.update(operator, activity, { body: 4, builds: shown.heads });
    await reaches(merged.message, buyer);
    expect((await buyer.desk.show(operator, activity)).heads).to.deep.equal([merged.message]);
  });

  it('brings more versions in conflict together than one can: by several', async () => {
    const { nodes } = await worldOf(2);
    const [buyer, seller] = nodes as [ActivityNode, ActivityNode];
    const { activity, message } = await buyer.desk.start(operator, { ...order, receivers: [seller.name], body: 'one' });
    await reaches(message, seller);
    const first = messageOf((await buyer.store.message(message))!);
    const rivals = await Promise.all(
      Array.from({ length: 34 }, () => update(startActivity(first), seller.person, [message])),
    );
    const answers = await deliver(
      seller,
      buyer,
      rivals.map((one) => sealedIn(first, one)),
    );
    expect(answers.every((answer) => 'ack' in answer)).to.equal(true);
    const { heads } = await buyer.desk.show(operator, activity);
    expect(heads).to.have.length(34);
    const merged = await buyer.desk.update(operator, activity, { body: 'all of it', builds: heads });
    await reaches(merged.message, seller);
    expect((await seller.desk.show(operator, activity)).heads).to.deep.equal([merged.message]);
  });

  it('catches up with a member that was away, and tells of what waits too long without a name', async () => {
    const { world, nodes } = await worldOf(3, { settings: { undeliveredMs: 300 } });
    const [buyer, seller, carrier] = nodes as [ActivityNode, ActivityNode, ActivityNode];
    const { activity } = await buyer.desk.start(operator, {
      ...{ ...order, receivers: [seller.name, carrier.name], body: 0 },
    });
    await seller.close();
    let last: Hash = activity;
    for (let step = 1; step <= 5; step++) last = (await buyer.desk.update(operator, activity, { body: step })).message;
    await reaches(last, carrier);
    const problem = await until('it is told', () =>
      buyer.problems.list().find(({ code }) => code === 'activity-undelivered'),
    );
    expect(problem.detail).not.to.contain(seller.address).and.not.to.contain(seller.name);
    const waiting = (await buyer.desk.deliveries(operator, activity)).filter(({ member }) => member === seller.address);
    expect(waiting.filter(({ state }) => state === 'queued')).to.have.length.greaterThan(4);
    expect(waiting.at(-1)!.problem?.code ?? 'peer-unreachable').to.match(/^peer-/);
    // The sender is away itself meanwhile.
    await buyer.close();
    await Promise.all([seller.open(), buyer.open()]);
    await world.connect();
    await reaches(last, seller);
    expect(await seller.state(activity)).to.deep.equal(await buyer.state(activity));
    await until('the problem is over', () => !buyer.problems.has('activity-undelivered'));
  });

  it('takes no record of a stranger for that of a message: neither its digest alone nor its subject makes it one', async () => {
    const { world, nodes } = await worldOf(2);
    const [buyer, seller] = nodes as [ActivityNode, ActivityNode];
    world.isLogAway = true;
    const { activity, message } = await buyer.desk.start(operator, { ...order, receivers: [seller.name], body: 0 });
    await reaches(message, seller);
    const { sealDigest, seal } = (await seller.store.message(message))!;
    const digest = digestText(fromHex(sealDigest));
    const subject = activitySubject(readProtected(seal.protected).grp);
    const recordIdOf = async () => (await seller.desk.message(operator, activity, message)).recordId;
    for (const claimed of [
      { kind: 'activity', digest, subject: activitySubject(randomHash()) },
      { kind: 'activity', digest: digestText(fromHex(randomHash())), subject },
      { kind: 'document', digest, subject },
    ])
      world.records.push(claimed as unknown as NotariumRecord);
    expect(await recordIdOf()).to.equal(undefined);
    world.isLogAway = false;
    await until('the log has its own', () => world.records.length === 4);
    expect(await recordIdOf()).to.equal(`0x${'3'.padStart(64, '0')}`);
    expect((await seller.store.message(message))!.recordId).to.equal(await recordIdOf());
  });

  it('hands records in again until the log takes them', async () => {
    const { world, nodes } = await worldOf(2);
    const [buyer, seller] = nodes as [ActivityNode, ActivityNode];
    world.isLogAway = true;
    const { message } = await buyer.desk.start(operator, { ...order, receivers: [seller.name], body: 0 });
    await reaches(message, seller);
    await buyer.close();
    expect(world.records).to.deep.equal([]);
    world.isLogAway = false;
    await buyer.open();
    await until('the log has it', () => world.records.length === 1);
    await until(
      'nothing is pending',
      async () => (await buyer.store.pendingRecords(10, Number.MAX_SAFE_INTEGER)).records.length === 0,
    );
  });
});
