import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect } from 'chai';
import { messageOf } from '../../../../services/app/activities/Activities.ts';
import { activityProtocols } from '../../../../services/app/activities/exchange/items.ts';
import { deviceSalt } from '../../../../services/core/activities/activityId.ts';
import { deviceStatementDigest } from '../../../../services/core/activities/credential.ts';
import type { HeadOf } from '../../../../services/core/activities/message.ts';
import { commitmentsOf, type Message } from '../../../../services/core/activities/parcel.ts';
import { type Hash, toHex } from '../../../../services/core/bytes.ts';
import { activityNetwork, begin, randomHash, say } from '../../../support/activityKit.ts';
import { type ActivityNode, ActivityWorld, operator, reaches } from '../../../support/activityNodes.ts';
import { deliver, sealedIn } from '../../../support/activityWire.ts';
import { expectCode } from '../../../support/expectCode.ts';
import { randomSigner } from '../../../support/recordKit.ts';
import { until } from '../../../support/until.ts';

const order = { kind: 'thing-thing', request: 'information' } as const;

describe('attachments and devices of activities', () => {
  let world: ActivityWorld;
  let buyer: ActivityNode;
  let seller: ActivityNode;
  let stranger: ActivityNode;
  beforeEach(async () => {
    world = new ActivityWorld();
    [buyer, seller, stranger] = await world.open(3);
  });
  afterEach(() => world.close());

  it('a file is fetched by a member that asks for it, and by nobody else', async () => {
    const file = randomBytes(3 << 20);
    const attachment = await buyer.desk.putAttachment(operator, { name: 'plan.pdf', content: Readable.from([file]) });
    const { activity, message } = await buyer.desk.start(operator, {
      ...{ ...order, receivers: [seller.name], body: null, attachments: [attachment] },
    });
    await reaches(message, seller);
    const got = await seller.desk.attachment(operator, activity, { message, index: 0 });
    expect(got.attachment.name).to.equal('plan.pdf');
    expect((await buffer(got.content)).equals(file)).to.equal(true);
    await buyer.close();
    const again = await seller.desk.attachment(operator, activity, { message, index: 0 });
    expect((await buffer(again.content)).equals(file), 'it is here now').to.equal(true);
    await expectCode('not-found', seller.desk.attachment(operator, activity, { message, index: 1 }));
    const query = new TextEncoder().encode(
      JSON.stringify({ activity, message, sealedDigest: attachment.sealedDigest, fromByte: 0 }),
    );
    await expectCode(
      'not-found',
      Array.fromAsync(
        stranger.net.request(seller.address, '/notarium/activity-attachments/1', [query], { timeoutMs: 20_000 }),
      ),
    );
  });

  it('a file is not given to who names it in an activity of its own, to find out who has it', async () => {
    const bytes = randomBytes(9_000);
    const file = await buyer.desk.putAttachment(operator, { name: 'plan.pdf', content: Readable.from([bytes]) });
    const { activity, message } = await buyer.desk.start(operator, {
      ...{ ...order, receivers: [seller.name], body: null, attachments: [file] },
    });
    await reaches(message, seller);
    await buffer((await seller.desk.attachment(operator, activity, { message, index: 0 })).content);
    const ask = async (of: ActivityNode, by: Message): Promise<Buffer> => {
      const asked = { activity: by.head.activity, message: by.id, sealedDigest: file.sealedDigest, fromByte: 0 };
      const query = new TextEncoder().encode(JSON.stringify(asked));
      const frames = stranger.net.request(of.address, activityProtocols.attachments, [query], { timeoutMs: 20_000 });
      return Buffer.concat(await Array.fromAsync(frames));
    };
    const named = new Map<ActivityNode, Message>();
    for (const node of [buyer, seller]) {
      const { head } = await begin([stranger.person, node.person]);
      const attachments = { salt: randomHash(), list: [file] };
      const { type: _, ...place } = head as HeadOf<'start'>;
      const own = await say(stranger.person, 'start', place, null, { parcel: { attachments } });
      await deliver(stranger, node, [sealedIn(own)]);
      await reaches(own.id, node);
      await expectCode('not-found', ask(node, own));
      const sent = messageOf((await node.store.message(message))!);
      await expectCode('not-found', ask(node, sent));
      named.set(node, own);
    }
    // Who opens it here for that message has it for that too.
    const own = named.get(seller)!;
    const { id, head } = own;
    await buffer((await seller.desk.attachment(operator, head.activity, { message: id, index: 0 })).content);
    expect(await ask(seller, own)).to.have.length(file.sealedBytes);
    await expectCode('not-found', ask(buyer, named.get(buyer)!));
  });

  it('a file is given to members and named again, however many others name it', async () => {
    const content = Readable.from([randomBytes(9_000)]);
    const file = await seller.desk.putAttachment(operator, { name: 'offer.pdf', content });
    const terms = { ...order, receivers: [buyer.name], body: null };
    const sent = await seller.desk.start(operator, { ...terms, attachments: [file] });
    await reaches(sent.message, buyer);
    const other = await stranger.desk.start(operator, { ...order, receivers: [seller.name], body: null });
    await reaches(other.message, seller);
    // As if a thousand notes had come whose ids were tried until they were low.
    const low = () => `0x00${randomHash().slice(4)}` as Hash;
    const { sealDigest, ...said } = (await seller.store.message(other.message))!;
    const messages = Array.from({ length: 1001 }, () => {
      const of = { ...said, id: low(), sealDigest: randomHash() };
      return { ...of, sender: stranger.address, attachments: [file.sealedDigest] };
    });
    await seller.store.save({ activity: other.activity, nowMs: Date.now(), messages });
    expect(await seller.store.known([messages.at(-1)!.id])).to.have.property('size', 1);
    const got = await buyer.desk.attachment(operator, sent.activity, { message: sent.message, index: 0 });
    expect(await buffer(got.content)).to.have.length(9_000);
    const { activity, message } = await buyer.desk.update(operator, sent.activity, { body: 1, attachments: [file] });
    expect(messageOf((await buyer.store.message(message))!).attachments.list).to.have.length(1);
    await seller.desk.note(operator, activity, { on: sent.message, body: 1, attachments: [file] });
  });

  it('a device speaks through its node, until its credential is taken back', async () => {
    const device = randomSigner();
    const now = Math.floor(Date.now() / 1000);
    const client = { client: 'fleet' };
    const asked = { device: device.address, name: 'Scale 7', notBefore: now - 10, expires: now + 3600 };
    const credential = await buyer.desk.issueCredential(client, asked);
    const statement = async (activity: Hash, says: unknown, on: Hash[] = []) => {
      const body = { salt: randomHash(), body: says as never };
      const attachments = { salt: randomHash(), list: [] };
      const commitments = commitmentsOf({ head: {} as never, body, attachments });
      const type = on.length > 0 ? ('update' as const) : ('start' as const);
      const place = { credential: credential.id, activity, type, on, time: now };
      const digest = deviceStatementDigest(activityNetwork, { ...place, ...commitments });
      return {
        device: {
          credential: credential.id,
          body,
          attachments,
          time: now,
          signature: toHex(await device.sign(digest)),
        },
      };
    };
    const salt = randomHash();
    const { activity, message } = await buyer.desk.start(client, {
      ...{ ...order, salt, receivers: [seller.name] },
      ...(await statement(deviceSalt(credential.id, salt), { kilograms: 812 })),
    });
    await reaches(message, seller);
    const { parcel } = await seller.desk.message(operator, activity, message);
    expect(parcel.head).to.have.nested.property('device.credential.name', 'Scale 7');
    await expectCode(
      'device-credential-invalid',
      buyer.desk.update(client, activity, await statement(randomHash(), 1, [message])),
    );
    const other = randomHash();
    await expectCode(
      'device-credential-invalid',
      buyer.desk.start(
        { client: 'other' },
        { ...order, salt: other, receivers: [seller.name], ...(await statement(other, 1)) },
      ),
    );
    expect(await buyer.desk.credentials({ client: 'other' })).to.deep.equal([]);
    expect(await buyer.desk.revokeCredential({ client: 'other' }, credential.id)).to.equal(false);
    expect(await buyer.desk.revokeCredential(client, credential.id)).to.equal(true);
    expect((await buyer.desk.credentials(client))[0]!.revokedAt).to.be.a('string');
    await expectCode(
      'device-credential-invalid',
      buyer.desk.update(client, activity, await statement(activity, 2, [message])),
    );
  });

  it('a body that is not what the schema asks for does not leave', async () => {
    const schema = { type: 'object', required: ['price'], properties: { price: { type: 'integer', minimum: 0 } } };
    const ask = (body: unknown, of: object = schema) =>
      buyer.desk.start(operator, { ...order, receivers: [seller.name], schema: of as never, body });
    await expectCode('activity-body-invalid', ask({ price: -1 }));
    await expectCode('activity-schema-invalid', ask({ price: 1 }, { type: 'nonsense' }));
    const { activity, message } = await ask({ price: 1 });
    await reaches(message, seller);
    await expectCode('activity-body-invalid', seller.desk.update(operator, activity, { body: { cost: 2 } }));
    await until('the log has the one that has left', () => world.records.length > 0);
    expect(world.records.length).to.equal(1);
  });
});
