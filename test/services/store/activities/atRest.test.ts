import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { fromUtf8, utf8 } from '../../../../services/core/bytes.ts';
import { AtRest } from '../../../../services/store/activities/AtRest.ts';
import { codeOf } from '../../../support/codeOf.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import { onBothDatabases, type StorePlace } from '../storePlace.ts';
import { alice, bob, carol, hashOf, key, messageOf, openAt, outgoingOf } from './activityKit.ts';
import { rawQuery, rawTable } from './rawTable.ts';

const [one, two] = [hashOf('one'), hashOf('two')];
const secret = 'the price is 4711 marks';

describe('AtRest', () => {
  it('opens what it has sealed, for its scope and its row, and nothing that was changed', () => {
    const atRest = new AtRest(key);
    for (const sizeBytes of [0, 1, 5000]) {
      const plain = new Uint8Array(sizeBytes).fill(3);
      const sealed = atRest.seal(one, 'row', plain);
      expect(sealed.length).to.equal(sizeBytes + 28);
      expect(atRest.open(one, 'row', sealed)).to.deep.equal(plain);
      expect(atRest.seal(one, 'row', plain)).to.not.deep.equal(sealed);
      const fails = (call: () => unknown) => expect(codeOf(call)).to.equal('activity-store-corrupt');
      fails(() => atRest.open(two, 'row', sealed));
      fails(() => atRest.open(one, 'other row', sealed));
      fails(() => new AtRest(key.map((byte) => byte ^ 1)).open(one, 'row', sealed));
      for (const at of [0, 11, 12, sealed.length - 17, sealed.length - 1]) {
        fails(() =>
          atRest.open(
            one,
            'row',
            sealed.map((byte, index) => (index === at ? byte ^ 1 : byte)),
          ),
        );
      }
      for (const end of [0, 5, 27, sealed.length - 1]) fails(() => atRest.open(one, 'row', sealed.subarray(0, end)));
    }
  });

  it('takes keys of 32 bytes alone', () => {
    for (const length of [0, 16, 31, 33]) expect(() => new AtRest(new Uint8Array(length))).to.throw(RangeError);
  });
});

async function fill(at: StorePlace): Promise<void> {
  const store = await openAt(at);
  await store.save({
    ...{ activity: one, nowMs: 1, messages: [messageOf('a', { parcel: utf8(secret) })] },
    outgoing: [outgoingOf(one, 'a', [bob, carol], `out: ${secret}`)],
    records: [{ activity: one, message: messageOf('a').id, entry: `entry: ${secret}`, dueMs: 0 }],
  });
  await store.hold({ sealDigest: hashOf('s'), activity: one, from: carol, item: utf8(`held: ${secret}`), heldMs: 1 });
  await store.saveCredential({ id: hashOf('c'), text: `device: ${secret}`, device: alice });
  await store.close();
}

onBothDatabases('activities at rest', (place, engine) => {
  it('keeps nothing of what is said in the clear', async () => {
    await using at = await place();
    await fill(at);
    const tables = ['messages', 'texts', 'records', 'held', 'credentials'].map((name) => `activity_${name}`);
    for (const table of [...tables, 'activities', 'activity_deliveries', 'activity_attachments']) {
      const rows = await rawTable(at, table);
      if (tables.includes(table)) expect(rows, table).to.have.length(1);
      for (const value of rows.flatMap((row) => Object.values(row))) {
        const bytes = value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(String(value));
        expect(bytes.includes(secret), table).to.equal(false);
      }
    }
    if (engine === 'sqlite') {
      for (const name of await readdir(at.dataDir))
        expect((await readFile(join(at.dataDir, name))).includes(secret), name).to.equal(false);
    }
    const store = await openAt(at);
    expect(Buffer.from((await store.message(messageOf('a').id))!.parcel).toString()).to.equal(secret);
    expect(fromUtf8((await store.queued(bob, 1, 1))[0]!.item)).to.equal(`out: ${secret}`);
    expect((await store.pendingRecords(1, Number.MAX_SAFE_INTEGER)).records[0]!.entry).to.equal(`entry: ${secret}`);
    expect(fromUtf8((await store.held())[0]!.item)).to.equal(`held: ${secret}`);
    expect((await store.credentials())[0]!.text).to.equal(`device: ${secret}`);
    await store.close();
  });

  it('says that the key is another one, and changes nothing', async () => {
    await using at = await place();
    await fill(at);
    const before = await rawTable(at, 'activity_key');
    await expectCode('activity-store-key-wrong', openAt(at, { key: new Uint8Array(32) }));
    expect(await rawTable(at, 'activity_key')).to.deep.equal(before);
    await (await openAt(at)).close();
    let error: unknown;
    await openAt(at, { key: new Uint8Array(31) }).catch((thrown: unknown) => {
      error = thrown;
    });
    expect(error).to.be.instanceOf(RangeError);
  });

  it('names a damaged row, and gives the others', async () => {
    await using at = await place();
    await fill(at);
    let store = await openAt(at);
    await store.save({
      ...{ activity: two, nowMs: 2, messages: [messageOf('b')], outgoing: [outgoingOf(two, 'b', [bob])] },
    });
    await store.close();
    const [text] = await rawQuery(at, 'select text_id from activity_deliveries where activity = ? limit 1', [one]);
    const broken = new Uint8Array(60);
    await rawQuery(at, 'update activity_messages set parcel = ? where activity = ?', [broken, one]);
    for (const table of ['texts', 'held', 'credentials'])
      await rawQuery(at, `update activity_${table} set text = ?`, [broken]);
    await rawQuery(at, 'update activity_records set entry = ?', [broken]);
    await rawQuery(at, 'update activity_messages set seal = ? where activity = ?', ['{"tag":', two]);
    store = await openAt(at);
    const [a, b] = [messageOf('a').id, messageOf('b').id];
    const rowIn = async (call: Promise<unknown>) => (await expectCode('activity-store-corrupt', call)).data;
    expect(await rowIn(store.message(a))).to.deep.equal({ row: `activity_messages/${a}` });
    expect(await rowIn(store.messages(one))).to.deep.equal({ row: `activity_messages/${a}` });
    expect(await rowIn(store.bySeal(messageOf('b').sealDigest))).to.deep.equal({ row: `activity_messages/${b}` });
    const { records, damaged } = await store.pendingRecords(9, Number.MAX_SAFE_INTEGER);
    expect(records).to.deep.equal([]);
    expect(damaged.map(({ message, error }) => [message, error.data])).to.deep.equal([
      [a, { row: `activity_records/${a}` }],
    ]);
    await store.setRecordAside(a);
    expect(await store.pendingRecords(9, Number.MAX_SAFE_INTEGER)).to.deep.equal({ records: [], damaged: [] });
    expect(await store.recordsSetAside()).to.deep.equal([{ message: a, activity: one }]);
    await store.replaceRecord({ message: a, activity: one, entry: 'made again', dueMs: 0 });
    expect((await store.pendingRecords(9, Number.MAX_SAFE_INTEGER)).records.map(({ entry }) => entry)).to.deep.equal([
      'made again',
    ]);
    expect(await store.recordsSetAside()).to.deep.equal([]);
    // What somebody has sent too early it can send again: the others are not held up by it.
    expect(await store.held()).to.deep.equal([]);
    const [credential, ...others] = await store.credentials();
    expect([credential!.id, credential!.text, others]).to.deep.equal([hashOf('c'), undefined, []]);
    const lost = {
      ...{ row: `activity_texts/${text!.text_id}`, sealDigest: hashOf('seal a'), member: bob },
      ...{ activity: one, message: a },
    };
    expect(await rowIn(store.queued(bob, 9, 1e6))).to.deep.equal(lost);
    // A text that is gone though somebody waits for it is damage too, not a delivery that never comes.
    await rawQuery(at, 'delete from activity_texts where activity = ?', [one]);
    expect(await rowIn(store.queued(bob, 9, 1e6))).to.deep.equal(lost);
    // Who delivers gives it up, or seals the message anew.
    const problem = { code: 'activity-store-corrupt', detail: '' };
    await store.delivered([{ sealDigest: hashOf('seal a'), member: bob, state: 'refused', problem }]);
    await store.replaceQueued(carol, hashOf('seal a'), outgoingOf(one, 'a', [], 'sealed anew'));
    expect(fromUtf8((await store.queued(carol, 9, 1e6))[0]!.item)).to.equal('sealed anew');
    expect(await rowIn(store.queued(bob, 9, 1e6))).to.include({ sealDigest: hashOf('seal b') });
    expect(await store.activity(one)).to.include({ messageCount: 1 });
    await store.save({ activity: one, nowMs: 3, messages: [messageOf('c')] });
    expect((await store.messages(one, 1)).map(({ id }) => id)).to.deep.equal([messageOf('c').id]);
    await rawQuery(at, 'update activity_deliveries set ack = ?', ['[]']);
    expect(await rowIn(store.deliveries(one)))
      .to.have.property('row')
      .that.matches(/^activity_deliveries\/\d+$/);
    await store.close();
  });

  it('leaves a database of a later version alone', async () => {
    await using at = await place();
    await fill(at);
    await rawQuery(at, "insert into activities_migration values ('999-from-the-future', '2030-01-01T00:00:00.000Z')");
    await expectCode('store-version-unsupported', openAt(at));
  });
});

describe('a damaged file of activities', () => {
  it('is said to be one, and not that a rebuild restores it', async () => {
    await using folder = await temporaryFolder();
    const at = { dataDir: folder.path, databaseUrl: undefined };
    const file = join(folder.path, 'activities.db');
    await (await openAt(at)).close();
    await writeFile(file, Buffer.alloc(8192, 'no database '));
    const { message } = await expectCode('activity-store-corrupt', openAt(at));
    expect(message).to.not.match(/rebuild/);
  });
});
