import { join } from 'node:path';
import { expect } from 'chai';
import type { Hash } from '../../../../services/core/bytes.ts';
import { onBothActivityDatabases } from '../../../support/activityDatabases.ts';
import { type ActivityNode, ActivityWorld, operator, reaches } from '../../../support/activityNodes.ts';
import { until } from '../../../support/until.ts';
import { rawQuery } from '../../store/activities/rawTable.ts';

const order = { kind: 'industrial', request: 'information' } as const;
const broken = new Uint8Array(60);

onBothActivityDatabases('one damaged row', (databaseUrl) => {
  let world: ActivityWorld;
  let url: string | undefined;
  beforeEach(async () => {
    world = new ActivityWorld();
    url = await databaseUrl();
  });
  afterEach(() => world.close());

  const change = async (node: ActivityNode, text: string, values: (string | Uint8Array)[]) => {
    const dataDir = join(await world.folder(), `node ${world.nodes.indexOf(node) + 1}`);
    const named = url ? text.replace(/activity_\w+/, (table) => `"notarium_${node.address}".${table}`) : text;
    await rawQuery({ dataDir, databaseUrl: url }, named, values);
  };
  const open = async () => (await world.open(2, { databaseUrl: url })) as [ActivityNode, ActivityNode];
  const problemOf = ({ problems }: ActivityNode) =>
    problems.list().find(({ code }) => code === 'activity-store-corrupt')?.detail;
  const hasRecord = async (node: ActivityNode, message: Hash): Promise<boolean> => {
    const stored = await node.store.message(message);
    return world.records.some(({ digest }) => digest === `sha-256:${stored!.sealDigest.slice(2)}`);
  };

  it('of pending records is made again, or set aside and named; the others go to the log', async () => {
    const [buyer, seller] = await open();
    world.isLogAway = true;
    const receivers = [seller.name];
    const damaged = await buyer.desk.start(operator, { ...order, receivers, body: 'record damaged' });
    const lost = await buyer.desk.start(operator, { ...order, receivers, body: 'record and message damaged' });
    const agreed = await buyer.desk.start(operator, { ...order, request: 'trust', receivers, body: 'certified' });
    const whole = await buyer.desk.start(operator, { ...order, receivers, body: 'whole' });
    for (const { message } of [agreed, whole]) await reaches(message, seller);
    await seller.desk.countersign(operator, agreed.activity, agreed.message);
    await until('it is certified', async () => buyer.desk.certificate(operator, agreed.activity, agreed.message));
    await buyer.close();
    // Those of the certified activity as well: among them that of the certificate, which is no message.
    for (const { activity } of [damaged, lost, agreed])
      await change(buyer, 'update activity_records set entry = ? where activity = ?', [broken, activity]);
    await change(buyer, 'update activity_messages set parcel = ? where id = ?', [broken, lost.message]);
    world.isLogAway = false;
    await buyer.open();
    await until(
      'the log has all but one',
      async () => (await buyer.store.pendingRecords(9, Number.MAX_SAFE_INTEGER)).records.length === 0,
    );
    await until('that one is set aside', async () => (await buyer.store.recordsSetAside()).length === 1);
    expect(await buyer.store.recordsSetAside()).to.deep.equal([lost]);
    for (const { message } of [damaged, whole]) expect(await hasRecord(buyer, message)).to.equal(true);
    expect(await buyer.desk.certificateRecord(operator, agreed.activity, agreed.message)).to.be.a('string');
    expect(problemOf(buyer)).to.equal(`activity_messages/${lost.message} and 1 more: see the log`);
    // It takes what is said next.
    const next = await buyer.desk.note(operator, whole.activity, { on: whole.message, body: 'next' });
    await until('the log has that, too', () => hasRecord(buyer, next.message));

    await buyer.close();
    await buyer.open();
    await until('it is named after each start', () => problemOf(buyer));
    await world.connect();
  });

  it('that the log never takes is set aside as well, and made again with the next start', async () => {
    const [buyer, seller] = await open();
    world.isLogAway = true;
    const begin = (body: number) => buyer.desk.start(operator, { ...order, receivers: [seller.name], body });
    const refused = await Promise.all(Array.from({ length: 300 }, (_, body) => begin(body)));
    const { message } = await begin(300);
    const { sealDigest } = (await buyer.store.message(message))!;
    // More than are handed in at once stand before the one that it would take.
    world.takes = ({ digest }) => digest === `sha-256:${sealDigest.slice(2)}`;
    world.isLogAway = false;
    await until('it is in the log', () => hasRecord(buyer, message));
    await until('the others are set aside', async () => (await buyer.store.recordsSetAside()).length === 300);
    world.takes = () => true;
    await buyer.close();
    await buyer.open();
    await until('the log has all', () => world.records.length === refused.length + 1);
    expect(await buyer.store.recordsSetAside()).to.deep.equal([]);
    expect(problemOf(buyer)).to.equal(undefined);
    await world.connect();
  });

  it('is none where the intake fails: the records go to the log after a pause, without a start', async () => {
    const [buyer, seller] = await open();
    let tries = 0;
    world.refusal = 'internal';
    world.takes = () => tries++ >= 3;
    const { message } = await buyer.desk.start(operator, { ...order, receivers: [seller.name], body: 'one' });
    await until('the log has it', () => hasRecord(buyer, message));
    expect(tries).to.equal(4);
    expect(await buyer.store.recordsSetAside()).to.deep.equal([]);
    expect(problemOf(buyer)).to.equal(undefined);
  });

  it('of an activity keeps nobody from listing and comparing the others', async () => {
    const [buyer, seller] = await open();
    const receivers = [seller.name];
    const lost = await buyer.desk.start(operator, { ...order, receivers, body: 'damaged' });
    const whole = await buyer.desk.start(operator, { ...order, receivers, body: 'whole' });
    await reaches(whole.message, seller);
    await reaches(lost.message, seller);
    await buyer.close();
    await change(buyer, 'update activity_messages set parcel = ? where id = ?', [broken, lost.message]);
    await buyer.open();
    // A list reads no message.
    const ids = async () => (await buyer.desk.list(operator, { limit: 9 })).items.map(({ id }) => id);
    expect(await ids()).to.have.members([whole.activity, lost.activity]);
    await buyer.close();
    // As of an earlier version: what is listed has to be read.
    await change(buyer, 'delete from activity_summaries', []);
    await buyer.open();
    expect(await ids()).to.deep.equal([whole.activity]);
    expect(problemOf(buyer)).to.equal(`activity_messages/${lost.message}`);
    const said = await seller.desk.note(operator, whole.activity, { on: whole.message, body: 'whole' });
    await seller.desk.note(operator, lost.activity, { on: lost.message, body: 'damaged there' });
    await world.connect();
    await reaches(said.message, buyer);
    // Both are compared in one request.
    await until('the damaged one is missed', async () => {
      const { doubts } = await seller.desk.show(operator, lost.activity);
      return doubts.some(({ kind }) => kind === 'unknown');
    });
    expect((await seller.desk.show(operator, whole.activity)).doubts).to.deep.equal([]);
    const credential = await buyer.desk.issueCredential(operator, {
      ...{ device: seller.address, name: 'a', notBefore: 0, expires: 9e9 },
    });
    const other = await buyer.desk.issueCredential(operator, {
      ...{ device: seller.address, name: 'b', notBefore: 0, expires: 9e9 },
    });
    await change(buyer, 'update activity_credentials set text = ? where id = ?', [broken, credential.id]);
    expect((await buyer.desk.credentials(operator)).map(({ id }) => id)).to.deep.equal([other.id]);
    expect(await buyer.desk.revokeCredential(operator, credential.id)).to.equal(true);
  });
});
