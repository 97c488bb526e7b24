import { expect } from 'chai';
import fc from 'fast-check';
import { isAckOf, signAck } from '../../../../services/core/activities/ack.ts';
import { type Body, disclosuresDigest } from '../../../../services/core/activities/contents.ts';
import {
  type Credential,
  deviceStatementDigest,
  signCredential,
} from '../../../../services/core/activities/credential.ts';
import { noHash } from '../../../../services/core/activities/members.ts';
import type { HeadOf } from '../../../../services/core/activities/message.ts';
import {
  commitmentsOf,
  type Message,
  messageId,
  type Parcel,
  parcelBytes,
  readParcel,
  signParcel,
} from '../../../../services/core/activities/parcel.ts';
import { maxParcelValues } from '../../../../services/core/activities/valueBounds.ts';
import { fromHex, fromUtf8, toHex, utf8 } from '../../../../services/core/bytes.ts';
import { compactSignature } from '../../../../services/core/signature.ts';
import { activityNetwork, begin, person, randomHash, say } from '../../../support/activityKit.ts';
import { expectCode } from '../../../support/expectCode.ts';

const [buyer, seller, device] = [person(1), person(2), person(3)];

describe('a message of an activity', () => {
  it('is read as it was signed, and has one id', async () => {
    const message = await begin([buyer, seller]);
    const read = readParcel(activityNetwork, parcelBytes(message));
    expect(read).to.deep.equal(message);
    expect(messageId(commitmentsOf(message))).to.equal(message.id);
  });

  it('is refused with any byte changed, and of another network or sender', async () => {
    const message = await begin([buyer, seller]);
    const bytes = parcelBytes(message);
    const at = fc.integer({ min: 0, max: bytes.length - 1 });
    await fc.assert(
      fc.asyncProperty(at, fc.integer({ min: 1, max: 255 }), async (place, change) => {
        const changed = Uint8Array.from(bytes);
        changed[place]! ^= change;
        await expectCode('activity-message-invalid', () => readParcel(activityNetwork, changed));
      }),
      { numRuns: 300 },
    );
    const elsewhere = { ...activityNetwork, chainId: 1 };
    await expectCode('activity-message-invalid', () => readParcel(elsewhere, bytes));
    const forged = await begin([buyer, seller], { changes: { sender: seller.address } });
    await expectCode('activity-message-invalid', () => readParcel(activityNetwork, parcelBytes(forged)));
    for (const text of ['', '{}', '[]', '{"head":', `{"head":${JSON.stringify(message.head)}}`])
      await expectCode('activity-message-invalid', () => readParcel(activityNetwork, new TextEncoder().encode(text)));
  });

  describe('with a large body', () => {
    const lines = (count: number): object[] =>
      Array.from({ length: count }, (_, number) => ({ article: 'Copper cable "4x16"', number, price: 41.5, to: null }));
    const large = async (body: unknown): Promise<Message> => {
      const {
        v: _,
        network,
        time,
        salt,
        sender,
        type,
        ...head
      } = (await begin([buyer, seller])).head as HeadOf<'start'>;
      return await say(buyer, 'start', head, body);
    };

    it('is read as it was signed, whatever stands in it', async () => {
      const bodies = [
        { goods: lines(1000) },
        lines(1000),
        'x'.repeat(100_000),
        `,"body":{"body":${'é'.repeat(50_000)}`,
        { é: lines(1000), '😀': 1.5e-7, '10': 1, '9': 0.1 },
        Array.from({ length: 20_000 }, (_, index) => index / 7),
      ];
      for (const body of bodies) {
        const message = await large(body);
        const bytes = parcelBytes(message);
        const read = readParcel(activityNetwork, Uint8Array.from(bytes));
        expect(read.id).to.equal(message.id);
        expect(JSON.parse(JSON.stringify(read))).to.deep.equal(JSON.parse(JSON.stringify(message)));
        expect(parcelBytes(read)).to.deep.equal(bytes);
        expect(commitmentsOf(read)).to.deep.equal(commitmentsOf(message));
        // Also by whoever has it as a value alone.
        const { id: _, ...parcel } = JSON.parse(JSON.stringify(read)) as Message;
        expect(commitmentsOf(parcel)).to.deep.equal(commitmentsOf(message));
      }
    });

    it('is refused with any byte changed', async () => {
      const bytes = parcelBytes(await large({ goods: lines(1000) }));
      const inserted = fc.constantFrom('', ' ', '0', '"', ',', '}', '{', '[', '\\', '1e5', 'null,').map(utf8);
      await fc.assert(
        fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(2), inserted, async (at, removed, more) => {
          const changed = Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at + removed)]);
          fc.pre(!changed.equals(bytes));
          await expectCode('activity-message-invalid', () => readParcel(activityNetwork, changed));
        }),
        { numRuns: 300 },
      );
    });

    it('is refused where its sender has signed it in another form, too deep, or with too many values', async () => {
      const message = await large({ goods: lines(1000), last: 1 });
      const text = fromUtf8(parcelBytes(message));
      const others = [
        text.replace('"last":1}', '"last":1 }'),
        text.replace('"last":1}', '"last":1.0}'),
        text.replace('"last":1}', '"last":1,"last":1}'),
        text.replace('"body":{"body":', '"body":{"body":null,"body":'),
        text.replace('{"attachments":', '{"attachments": '),
      ];
      for (const other of others) {
        expect(other).to.not.equal(text);
        await expectCode('activity-message-invalid', () => readParcel(activityNetwork, utf8(other)));
      }
      const deep = (levels: number): unknown => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`);
      const fits = await large({ goods: lines(1000), deep: deep(37) });
      expect(readParcel(activityNetwork, parcelBytes(fits)).id).to.equal(fits.id);
      const tooDeep = await large({ goods: lines(1000), deep: deep(38) });
      await expectCode('activity-message-invalid', () => readParcel(activityNetwork, parcelBytes(tooDeep)));
      // Whatever else a message has is few values more.
      const values = new Array(maxParcelValues - 100).fill(0);
      const many = await large(values);
      expect(readParcel(activityNetwork, parcelBytes(many)).id).to.equal(many.id);
      const tooMany = await large([...values, ...values.slice(0, 100)]);
      await expectCode('activity-body-invalid', () => readParcel(activityNetwork, parcelBytes(tooMany)));
    });
  });

  it('has one form alone, so that nobody can give it on in another one', async () => {
    const message = await begin([buyer, seller]);
    const { id: _, ...parcel } = message;
    const refused = async (bytes: Uint8Array) =>
      await expectCode('activity-message-invalid', () => readParcel(activityNetwork, bytes));
    await refused(utf8(JSON.stringify(parcel, null, 1)));
    const { head, body: said, attachments, signature } = parcel;
    await refused(utf8(JSON.stringify({ head, body: said, attachments, signature })));
    const ordered = new TextDecoder().decode(parcelBytes(message));
    await refused(utf8(ordered.replace('{"attachments":{', '{"attachments":{ ')));
    const turned = ordered.replace(
      /"body":\{"body":(.*),"salt":("0x[0-9a-f]{64}")\},"head"/,
      '"body":{"salt":$2,"body":$1},"head"',
    );
    expect(turned).not.to.equal(ordered);
    await refused(utf8(turned));
    const short = toHex(compactSignature(fromHex(message.signature)));
    await refused(parcelBytes({ ...message, signature: short }));
    const body = { salt: randomHash(), sdJwt: 'a.b.c', disclosures: ['one', 'two'] };
    const fields = disclosuresDigest(body)!;
    const place = { activity: randomHash(), epoch: 0, group: noHash, on: noHash };
    const whole = await say(buyer, 'note', place, null, { parcel: { body }, head: { fields } });
    expect(readParcel(activityNetwork, parcelBytes(whole)).id).to.equal(whole.id);
    // The commitment to the body is the same without them: it has to be, for one of them to be shown.
    for (const disclosures of [[], ['one'], ['two', 'one'], ['one', 'two', 'three']])
      await refused(parcelBytes({ ...whole, body: { ...body, disclosures } }));
    const unnamed = await say(buyer, 'note', place, null, { parcel: { body } });
    await refused(parcelBytes(unnamed));
    const named = await say(buyer, 'note', place, null, { head: { fields } });
    await refused(parcelBytes(named));
  });

  it('of a device is signed by the device too, and its credential by its operator', async () => {
    const place = { activity: randomHash(), epoch: 0, group: noHash, on: noHash };
    const draft = await say(seller, 'note', place, { celsius: 4 });
    const { body, attachments } = commitmentsOf(draft);
    const time = Math.floor(Date.parse(draft.head.time) / 1000);
    const about = { id: randomHash(), device: device.address, name: 'Sensor 7', notBefore: time, expires: time };
    const good = await signCredential(activityNetwork, about, seller.signer);
    const said = { credential: good.id, activity: place.activity, type: 'note', on: [place.on], time } as const;
    const digest = deviceStatementDigest(activityNetwork, { ...said, body, attachments });
    const signature = toHex(await device.signer.sign(digest));
    const parcel = { body: draft.body, attachments: draft.attachments };
    const bytesWith = async (credential: Credential, by = signature, operator = seller, when = time) => {
      const changes = { head: { device: { credential, time: when, signature: by } }, parcel };
      return parcelBytes(await say(operator, 'note', place, null, changes));
    };
    expect(readParcel(activityNetwork, await bytesWith(good)).head).to.have.property('device');
    const early = await signCredential(
      activityNetwork,
      { ...about, notBefore: time + 1, expires: time + 2 },
      seller.signer,
    );
    const late = await signCredential(
      activityNetwork,
      { ...about, notBefore: time - 2, expires: time - 1 },
      seller.signer,
    );
    const byDevice = toHex(await seller.signer.sign(digest));
    for (const bytes of [
      await bytesWith(early),
      await bytesWith(late),
      await bytesWith({ ...good, name: 'Sensor 8' }),
      await bytesWith(good, byDevice),
      await bytesWith(good, signature, buyer),
      await bytesWith(good, signature, seller, time - 1),
    ])
      await expectCode('device-credential-invalid', () => readParcel(activityNetwork, bytes));
  });

  it('of a device comes by a credential that holds when the device speaks, and when its operator sends that', async () => {
    const place = { activity: randomHash(), epoch: 0, group: noHash, on: noHash };
    const draft = await say(seller, 'note', place, { celsius: 4 });
    const { body, attachments } = commitmentsOf(draft);
    const sentAt = Math.floor(Date.parse(draft.head.time) / 1000);
    const parcel = { body: draft.body, attachments: draft.attachments };
    const about = { id: randomHash(), device: device.address, name: 'Sensor 7' };
    const bytesOf = async (saidAt: number, held: { notBefore: number; expires: number }) => {
      const credential = await signCredential(activityNetwork, { ...about, ...held }, seller.signer);
      const said = { credential: credential.id, activity: place.activity, on: [place.on], time: saidAt } as const;
      const digest = deviceStatementDigest(activityNetwork, { ...said, type: 'note', body, attachments });
      const signature = toHex(await device.signer.sign(digest));
      const head = { device: { credential, time: saidAt, signature } };
      return parcelBytes(await say(seller, 'note', place, null, { head, parcel }));
    };
    const saidAt = sentAt - 10;
    readParcel(activityNetwork, await bytesOf(saidAt, { notBefore: saidAt, expires: sentAt }));
    for (const held of [
      { notBefore: saidAt + 1, expires: sentAt },
      { notBefore: saidAt, expires: sentAt - 1 },
    ]) {
      const bytes = await bytesOf(saidAt, held);
      await expectCode('device-credential-invalid', () => readParcel(activityNetwork, bytes));
    }
  });

  it('of a device is that of its place: nobody can say it again elsewhere, through another node, or as something else', async () => {
    const place = { activity: randomHash(), epoch: 0, group: noHash };
    const on = randomHash();
    const draft = await say(seller, 'note', { ...place, on }, { celsius: 4 });
    const { body, attachments } = commitmentsOf(draft);
    const time = Math.floor(Date.parse(draft.head.time) / 1000);
    const about = { id: randomHash(), device: device.address, name: 'Sensor 7', notBefore: time, expires: time };
    const credential = await signCredential(activityNetwork, about, seller.signer);
    const said = { credential: credential.id, activity: place.activity, type: 'note', on: [on], time } as const;
    const digest = deviceStatementDigest(activityNetwork, { ...said, body, attachments });
    const signed = { time, signature: toHex(await device.signer.sign(digest)) };
    const parcel = { body: draft.body, attachments: draft.attachments };
    const refused = async (message: Promise<Parcel>) => {
      const bytes = parcelBytes(await message);
      await expectCode('device-credential-invalid', () => readParcel(activityNetwork, bytes));
    };
    const head = { device: { credential, ...signed } };
    readParcel(activityNetwork, parcelBytes(await say(seller, 'note', { ...place, on }, null, { head, parcel })));
    await refused(say(seller, 'note', { ...place, on: randomHash() }, null, { head, parcel }));
    await refused(say(seller, 'note', { ...place, activity: randomHash(), on }, null, { head, parcel }));
    await refused(say(seller, 'update', { ...place, builds: [on], number: 2 }, null, { head, parcel }));
    // Another member makes a credential of its own for the same device.
    const taken = await signCredential(activityNetwork, { ...about, id: randomHash() }, buyer.signer);
    const byOther = { device: { credential: taken, ...signed } };
    await refused(say(buyer, 'note', { ...place, on }, null, { head: byOther, parcel }));
  });

  it('keeps every name of a body, and another one makes another message', async () => {
    const body = JSON.parse('{"__proto__":{"paid":true},"constructor":1}') as object;
    const place = { activity: randomHash(), epoch: 0, group: noHash, on: noHash };
    const message = await say(seller, 'note', place, body);
    const text = new TextDecoder().decode(parcelBytes(message));
    expect(text).to.contain('"__proto__":{"paid":true}');
    const read = readParcel(activityNetwork, parcelBytes(message));
    expect(new TextDecoder().decode(parcelBytes(read))).to.equal(text);
    const without = new TextEncoder().encode(text.replace('"__proto__":{"paid":true},', ''));
    await expectCode('activity-message-invalid', () => readParcel(activityNetwork, without));
  });

  it('has a body of 4 MiB at most, however it comes', async () => {
    const text = 'x'.repeat((4 << 20) - 2);
    const bytesOf = async (body: Body) => {
      const { id: _, signature: __, ...parcel } = await begin([buyer, seller]);
      const fields = disclosuresDigest(body);
      const head = { ...parcel.head, ...(fields ? { fields } : {}) };
      return parcelBytes(await signParcel(activityNetwork, { ...parcel, head, body }, buyer.signer));
    };
    const salt = randomHash();
    expect(readParcel(activityNetwork, await bytesOf({ salt, body: text })).body).to.have.property('body', text);
    await expectCode('activity-message-invalid', async () =>
      readParcel(activityNetwork, await bytesOf({ salt, body: `${text}x` })),
    );
    const fields = { salt, sdJwt: 'x'.repeat(1 << 20), disclosures: ['x'.repeat(2 << 20), 'x'.repeat(1 << 20)] };
    expect(readParcel(activityNetwork, await bytesOf(fields)).body).to.have.property('sdJwt');
    await expectCode('activity-message-invalid', async () =>
      readParcel(activityNetwork, await bytesOf({ ...fields, sdJwt: 'x'.repeat((1 << 20) + 1) })),
    );
  });

  it('is acknowledged by a signature over its seal, its stage and the time', async () => {
    const seal = randomHash();
    const ack = await signAck(activityNetwork, { seal, stage: 'read', time: 1_800_000_000 }, seller.signer);
    const want = { seal, member: seller.address };
    expect(isAckOf(activityNetwork, ack, want)).to.equal(true);
    const others = [
      { ...ack, seal: randomHash() },
      { ...ack, stage: 'delivered' as const },
      { ...ack, time: ack.time + 1 },
      { ...ack, member: buyer.address },
      { ...ack, signature: `0x${'00'.repeat(65)}` as const },
    ];
    for (const other of others) expect(isAckOf(activityNetwork, other, want)).to.equal(false);
    expect(isAckOf(activityNetwork, others[0]!, { ...want, seal: others[0]!.seal })).to.equal(false);
  });
});
