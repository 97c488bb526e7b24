import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import {
  copyItem,
  copySchema,
  deliveredSchema,
  envelopeItem,
  isSealedTo,
  maxHeadBytes,
  readCopy,
  readDelivered,
  readEnvelopeItem,
} from '../../../../services/app/activities/exchange/envelopeItems.ts';
import {
  answerSchema,
  comparisonSchema,
  framesOf,
  itemsOf,
  messagesQuerySchema,
} from '../../../../services/app/activities/exchange/items.ts';
import { ackSchema } from '../../../../services/core/activities/ack.ts';
import type { Envelope } from '../../../../services/core/activities/envelope.ts';
import type { HeadOf } from '../../../../services/core/activities/message.ts';
import { maxParcelBytes, parcelBytes, readParcel } from '../../../../services/core/activities/parcel.ts';
import { readProtected } from '../../../../services/core/activities/sealed.ts';
import { fromUtf8, utf8 } from '../../../../services/core/bytes.ts';
import { isNotariumError } from '../../../../services/core/errors.ts';
import { Sealer } from '../../../../services/lib/activities/seal.ts';
import { activityNetwork, begin, person } from '../../../support/activityKit.ts';
import { expectCode } from '../../../support/expectCode.ts';

const bounds = { itemBytes: 1_000, items: 20, bytes: 8_000 };

/** Splits bytes at places that a network may choose. */
async function* cut(bytes: Uint8Array, places: readonly number[]): AsyncGenerator<Uint8Array> {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
  let at = 0;
  for (const end of ends) {
    yield bytes.subarray(at, end);
    at = end;
  }
}

async function* asFrames(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

/** What comes out, and the code with which it ends. */
async function read(frames: AsyncIterable<Uint8Array>): Promise<{ items: Uint8Array[]; code?: string }> {
  const items: Uint8Array[] = [];
  try {
    for await (const item of itemsOf(frames, bounds)) items.push(item);
    return { items };
  } catch (error) {
    if (!isNotariumError(error)) throw error;
    return { items, code: error.code };
  }
}

async function whole(frames: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  return Buffer.concat(await Array.fromAsync(frames));
}

describe('decoders of activities', () => {
  const places = fc.array(fc.nat(100_000), { maxLength: 20 });

  const everybody = Array.from({ length: 64 }, (_, index) => person(index + 1));
  /** To 64 members, with a ciphertext of so many bytes. */
  const envelopeTo = async (sizeBytes: number): Promise<Envelope> => {
    const message = await begin(everybody);
    const { secret, membership } = message.head as HeadOf<'start'>;
    const sealed = new Sealer().seal(message, secret, membership.members);
    return { sealed: { ...sealed, ciphertext: randomBytes(sizeBytes).toString('base64url') } };
  };

  it('read no envelope that has more values than one can have', async () => {
    const copy = { place: 1, envelope: { ...(await envelopeTo(100)), copy: true as const } };
    expect(readCopy(copyItem(copy))).to.deep.equal(copy);
    await expectCode('activity-body-invalid', () => readCopy(utf8('[],'.repeat(1_000_000))));
    await expectCode('activity-body-invalid', () => readDelivered(utf8(`${'[],'.repeat(10_000)}\n`)));
  });

  it('give the envelope that was sent, whatever its size: a large ciphertext goes as it is', async () => {
    for (const sizeBytes of [0, 1, 2, 3, 6143, 6144, 6145, 6146, 100_000, 5 << 20]) {
      const envelope = await envelopeTo(sizeBytes);
      const item = envelopeItem(envelope);
      expect(item.length).to.be.at.most(Math.max(9_000, sizeBytes) + maxHeadBytes);
      const whole = readDelivered(item) as Envelope;
      expect(whole.sealed.ciphertext === envelope.sealed.ciphertext, `${sizeBytes} bytes`).to.equal(true);
      expect({ ...whole.sealed, ciphertext: '' }).to.deep.equal({ ...envelope.sealed, ciphertext: '' });
      expect(readEnvelopeItem(item)).to.deep.equal(whole);
      expect(readCopy(copyItem({ place: 7, envelope }))).to.deep.equal({ place: 7, envelope: whole });
      for (const { key } of everybody) expect(isSealedTo(item, key)).to.equal(true);
      expect(isSealedTo(item, person(65).key)).to.equal(false);
    }
  });

  it('read an envelope with one ciphertext alone, in its JSON or behind it, and nothing else behind', async () => {
    const { sealed } = await envelopeTo(100);
    const { ciphertext, ...rest } = sealed;
    const bytes = Buffer.from(ciphertext, 'base64url');
    const item = (json: object, ...behind: Uint8Array[]): Buffer =>
      Buffer.concat([Buffer.from(JSON.stringify(json)), ...behind]);
    const end = Buffer.from('\n');
    // Also a small one may stand behind.
    expect(readDelivered(item({ sealed: rest }, end, bytes))).to.deep.equal({ sealed });
    const ack = {
      seal: person(1).key,
      stage: 'read',
      member: person(1).address,
      time: 1,
      signature: `0x${'ab'.repeat(65)}`,
    };
    expect(readDelivered(item({ ack }))).to.deep.equal({ ack });
    const bad: Record<string, Uint8Array> = {
      'two ciphertexts': item({ sealed }, end, bytes),
      'an empty second one': item({ sealed }, end),
      'no ciphertext': item({ sealed: rest }),
      'a ciphertext without a line feed': item({ sealed: rest }, bytes),
      'a line feed within the JSON': Buffer.from(JSON.stringify({ sealed }, null, 1)),
      'an acknowledgement with something behind it': item({ ack }, end, bytes),
      'an acknowledgement and a line feed': item({ ack }, end),
      'no JSON': Buffer.concat([end, bytes]),
      'JSON that is too long': item({ sealed: { ...rest, protected: 'A'.repeat(maxHeadBytes) } }, end, bytes),
      'a ciphertext that is too large': item({ sealed: rest }, end, Buffer.alloc(maxParcelBytes + 1)),
      'text that is none': Buffer.concat([Buffer.from([0xff, 0xfe]), end, bytes]),
    };
    for (const [name, each] of Object.entries(bad)) {
      expect(() => readDelivered(each), name).to.throw();
      expect(() => readEnvelopeItem(each), name).to.throw();
      expect(() => readCopy(each), name).to.throw();
    }
    expect(() => readEnvelopeItem(item({ ack }))).to.throw();
  });

  it('give the envelope that was sent, or throw, whatever became of it on the way', async () => {
    const envelope = await envelopeTo(20_000);
    const sent = envelopeItem(envelope);
    fc.assert(
      fc.property(fc.nat(sent.length - 1), fc.nat(255), (at, byte) => {
        fc.pre(sent[at] !== byte);
        const changed = Uint8Array.from(sent);
        changed[at] = byte;
        let read: unknown;
        try {
          read = readDelivered(changed);
        } catch {
          return;
        }
        // Nothing that is authenticated or looked for reads as before.
        expect(JSON.stringify(read)).to.not.equal(JSON.stringify(envelope));
      }),
      { numRuns: 500 },
    );
  });

  it('give the items that were sent, however they were cut', async () => {
    const texts = fc.array(fc.string({ maxLength: 200 }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(texts, places, async (sent, at) => {
        const { items, code } = await read(cut(await whole(framesOf(sent)), at));
        expect(code).to.equal(undefined);
        expect(items.map((item) => fromUtf8(item))).to.deep.equal(sent.map((text) => fromUtf8(utf8(text))));
      }),
      { numRuns: 300 },
    );
  });

  it('give large items that were sent, in frames that are not copied, however they were cut', async () => {
    const sizes = [70_000, 10, 65_536, 65_535, (2 << 20) + 5, 0, 3 << 20];
    const sent = sizes.map((size) => new Uint8Array(randomBytes(size)));
    const frames = await Array.fromAsync(framesOf(sent));
    expect(frames.some(({ buffer }) => buffer === sent[0]!.buffer)).to.equal(true);
    for (const { length } of frames) expect(length).to.be.at.most(2 << 20);
    const all = Buffer.concat(frames);
    const limits = { itemBytes: 4 << 20, items: sent.length, bytes: all.length };
    for (const pieces of [
      frames,
      [all],
      Array.from({ length: 90 }, (_, at) => all.subarray(at << 16, (at + 1) << 16)),
    ]) {
      const items = await Array.fromAsync(itemsOf(asFrames(pieces), limits));
      expect(items.map(({ length }) => length)).to.deep.equal(sizes);
      items.forEach((item, index) => void expect(Buffer.compare(item, sent[index]!)).to.equal(0));
    }
  });

  it('end with one code for any other bytes, and give no item beyond the bounds', async () => {
    const small = fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from([0, 0, ...bytes]));
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 9_000 }),
      fc.array(small).map((some) => Buffer.concat(some)),
    );
    await fc.assert(
      fc.asyncProperty(bytes, places, async (sent, at) => {
        const { items, code } = await read(cut(sent, at));
        expect(code).to.be.oneOf([undefined, 'peer-answer-invalid']);
        expect(items.length).to.be.at.most(bounds.items);
        for (const item of items) expect(item.length).to.be.at.most(bounds.itemBytes);
        const again = items.reduce((sum, item) => sum + 4 + item.length, 0);
        expect(again).to.be.at.most(sent.length);
        if (code === undefined) expect(again).to.equal(sent.length);
      }),
      { numRuns: 500 },
    );
  });

  it('take no other JSON for what they read, and throw nothing else', () => {
    const schemas = [deliveredSchema, answerSchema, copySchema, messagesQuerySchema, comparisonSchema, ackSchema];
    const known = ['sealed', 'ack', 'protected', 'recipients', 'place', 'envelope', 'code', 'ids', 'same', '__proto__'];
    const key = fc.oneof(fc.constantFrom(...known), fc.string());
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof({ depthSize: 'small' }, fc.jsonValue(), fc.dictionary(key, tie('tree')), fc.array(tie('tree'))),
    }));
    fc.assert(
      fc.property(tree, (value) => {
        for (const schema of schemas) {
          const parsed = schema.safeParse(value);
          if (parsed.success) expect(parsed.data).to.deep.equal(value);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('read a message in one form alone', async () => {
    const message = await begin([person(1), person(2)]);
    const bytes = parcelBytes(message);
    expect(readParcel(activityNetwork, bytes).id).to.equal(message.id);
    const change = fc.record({
      at: fc.nat(bytes.length - 1),
      remove: fc.nat(4),
      insert: fc.oneof(fc.uint8Array({ maxLength: 4 }), fc.constantFrom(' ', '"', '{', '[', ',', '0', '\\').map(utf8)),
    });
    fc.assert(
      fc.property(change, ({ at, remove, insert }) => {
        const changed = Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)]);
        fc.pre(!changed.equals(bytes));
        let code = 'taken';
        try {
          readParcel(activityNetwork, changed);
        } catch (error) {
          if (!isNotariumError(error)) throw error;
          code = error.code;
        }
        expect(code).to.equal('activity-message-invalid');
      }),
      { numRuns: 1_000 },
    );
  });

  it('read a protected header, or say that it is none', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value)).toString('base64url')),
        ),
        (text) => {
          try {
            readProtected(text);
            throw new Error('taken');
          } catch (error) {
            expect(isNotariumError(error, 'activity-message-invalid'), String(error)).to.equal(true);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
