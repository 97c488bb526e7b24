import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { expect } from 'chai';
import { systemClock } from '../../../../services/lib/clock.ts';
import { onBothActivityDatabases } from '../../../support/activityDatabases.ts';
import { randomHash } from '../../../support/activityKit.ts';
import { type ActivityNode, ActivityWorld, reaches } from '../../../support/activityNodes.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { until } from '../../../support/until.ts';

const order = { kind: 'thing-thing', request: 'information', body: null } as const;
const client = { client: 'client' };

onBothActivityDatabases('files that a client puts', (databaseUrl) => {
  let world: ActivityWorld;
  let buyer: ActivityNode;
  let seller: ActivityNode;
  let aheadMs: number;
  beforeEach(async () => {
    aheadMs = 0;
    world = new ActivityWorld();
    [buyer, seller] = await world.open(2, {
      settings: { uploadBytes: 100_000, uploadCount: 3, unnamedMs: 3_600_000, collectMs: 50 },
      clock: { nowMs: () => Date.now() + aheadMs, sleep: (ms, signal) => systemClock.sleep(ms, signal) },
      databaseUrl: await databaseUrl(),
    });
  });
  afterEach(() => world.close());

  const put = (bytes: Uint8Array | AsyncIterable<Uint8Array>, by: { client?: string } = client, sizeBytes?: number) =>
    buyer.desk.putAttachment(by, {
      ...{ name: 'a', content: Readable.from(bytes instanceof Uint8Array ? [bytes] : bytes) },
      ...(sizeBytes === undefined ? {} : { sizeBytes }),
    });

  it('are bounded by bytes and by number, for each of them apart, until a message names them', async () => {
    const first = await put(randomBytes(60_000));
    await expectCode('attachment-quota', put(randomBytes(1), client, 50_000));
    const pieces = Array.from({ length: 6 }, () => randomBytes(10_000));
    const { data } = await expectCode('attachment-quota', put(Readable.from(pieces)));
    expect(data).to.deep.include({ want: { files: 3, sizeBytes: 100_000 } });
    expect(await buyer.store.uploadsOf('client'), 'of what was refused nothing counts').to.include({ count: 1 });
    await put(randomBytes(10));
    await put(randomBytes(10));
    await expectCode('attachment-quota', put(randomBytes(10)));
    await put(randomBytes(60_000), { client: 'other' });
    await put(randomBytes(60_000), {});
    await buyer.desk.start(client, { ...order, receivers: [seller.name], attachments: [first] });
    await put(randomBytes(60_000));
    await expectCode('attachment-quota', put(randomBytes(10)));
  });

  it('are named as their upload was answered, or not at all', async () => {
    const file = await put(randomBytes(1000));
    const start = (attachment: object, by: { client?: string } = client) =>
      buyer.desk.start(by, { ...order, receivers: [seller.name], attachments: [{ ...file, ...attachment }] });
    const hash = `0x${'11'.repeat(32)}` as const;
    const wrong = [{ key: hash }, { digest: hash }, { sizeBytes: 5 }, { sealedBytes: 77 }];
    for (const each of wrong) await expectCode('attachment-corrupt', start(each));
    expect((await buyer.desk.list({}, { limit: 10 })).items).to.deep.equal([]);
    const { activity, message } = await start({ name: 'under another name' });
    await reaches(message, seller);
    const { content } = await seller.desk.attachment({}, activity, { message, index: 0 });
    expect(Buffer.concat(await Array.fromAsync(content as AsyncIterable<Buffer>))).to.have.length(1000);
    // Now a message says what it is.
    for (const each of wrong) await expectCode('attachment-corrupt', start(each));
    await expectCode('attachment-corrupt', start(wrong[0]!, {}));
    await expectCode('attachment-unknown', start(wrong[0]!, { client: 'other' }));
    await start({});
  });

  it('count while they come', async () => {
    let go = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    let begun = (): void => undefined;
    const begins = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const slow = async function* () {
      yield randomBytes(70_000);
      begun();
      await gate;
      yield randomBytes(10);
    };
    const first = put(slow());
    await begins;
    await expectCode('attachment-quota', put(randomBytes(40_000)));
    go();
    await first;
  });

  it('count when they have come, for those that had begun before', async () => {
    let begun = 0;
    const gates = Array.from({ length: 3 }, () => Promise.withResolvers<void>());
    const uploads = gates.map((gate) =>
      put(
        (async function* () {
          yield randomBytes(10);
          begun++;
          await gate.promise;
          yield randomBytes(60_000);
        })(),
      ).then(
        () => 'kept',
        ({ code }: { code: string }) => code,
      ),
    );
    await until('all have begun', () => begun === 3);
    const ends: string[] = [];
    for (const [index, gate] of gates.entries()) {
      gate.resolve();
      ends.push(await uploads[index]!);
    }
    expect(ends).to.deep.equal(['kept', 'attachment-quota', 'attachment-quota']);
    expect(await buyer.store.uploadsOf('client')).to.have.property('count', 1);
    // What was refused takes no room.
    await put(randomBytes(30_000));
  });

  it('count while they come, also where a message has named what was there at the beginning', async () => {
    const first = await put(randomBytes(60_000));
    const gate = Promise.withResolvers<void>();
    let hasBegun = false;
    const second = put(
      (async function* () {
        yield randomBytes(10);
        hasBegun = true;
        await gate.promise;
        yield randomBytes(60_000);
      })(),
    );
    await until('it has begun', () => hasBegun);
    await buyer.desk.start(client, { ...order, receivers: [seller.name], attachments: [first] });
    gate.resolve();
    await second;
  });

  it('count as soon as they have come, for another one that is still coming', async () => {
    const gate = Promise.withResolvers<void>();
    const end = Promise.withResolvers<void>();
    let hasBegun = false;
    const second = put(
      (async function* () {
        yield randomBytes(10);
        hasBegun = true;
        await gate.promise;
        yield randomBytes(60_000);
        await end.promise;
      })(),
    );
    await until('it has begun', () => hasBegun);
    await put(randomBytes(60_000));
    gate.resolve();
    await expectCode('attachment-quota', second);
    end.resolve();
    expect(await buyer.store.uploadsOf('client')).to.have.property('count', 1);
  });

  it('count also where another process has taken them meanwhile', async () => {
    let hasBegun = false;
    const gate = Promise.withResolvers<void>();
    const one = put(
      (async function* () {
        yield randomBytes(60_000);
        hasBegun = true;
        await gate.promise;
      })(),
    );
    await until('it has begun', () => hasBegun);
    await buyer.store.saveUpload({
      ...{ sealedDigest: randomHash(), answerDigest: randomHash(), owner: 'client' },
      ...{ sizeBytes: 60_000, putMs: Date.now() },
    });
    gate.resolve();
    await expectCode('attachment-quota', one);
    expect(await buyer.store.uploadsOf('client')).to.have.property('count', 1);
  });

  it('go after their time where no message names them, and stay where one does', async () => {
    const left = await put(randomBytes(1000));
    const named = await put(randomBytes(1000));
    const { activity, message } = await buyer.desk.start(client, {
      ...{ ...order, receivers: [seller.name], attachments: [named] },
    });
    aheadMs = 7_200_000;
    await until('it is collected', async () => (await buyer.store.uploadsOf('client')).count === 0);
    await expectCode(
      'attachment-unknown',
      buyer.desk.start(client, { ...order, receivers: [seller.name], attachments: [left] }),
    );
    const { content } = await buyer.desk.attachment(client, activity, { message, index: 0 });
    expect(Buffer.concat(await Array.fromAsync(content as AsyncIterable<Buffer>))).to.have.length(1000);
  });
});
