import { expect } from 'chai';
import fc from 'fast-check';
import {
  answerSchema,
  comparisonSchema,
  copySchema,
  deliveredSchema,
  envelopeJson,
  framesOf,
  itemsOf,
  messagesQuerySchema,
} from '../../../../services/app/activities/exchange/items.ts';
import { ackSchema } from '../../../../services/core/activities/ack.ts';
import type { HeadOf } from '../../../../services/core/activities/message.ts';
import { parcelBytes, readParcel } from '../../../../services/core/activities/parcel.ts';
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

  it('read no envelope that has more values than one can have', async () => {
    const message = await begin(Array.from({ length: 64 }, (_, index) => person(index + 1)));
    const { secret, membership } = message.head as HeadOf<'start'>;
    const sealed = new Sealer().seal(message, secret, membership.members);
    const largest = { place: 1, envelope: { sealed, copy: true } };
    expect(envelopeJson(utf8(JSON.stringify(largest)))).to.deep.equal(largest);
    await expectCode('activity-body-invalid', () => envelopeJson(utf8('[],'.repeat(1_000_000))));
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
