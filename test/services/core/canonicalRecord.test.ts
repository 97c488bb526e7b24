import { expect } from 'chai';
import fc from 'fast-check';
import type { Address, Hash } from '../../../services/core/bytes.ts';
import { canonicalText } from '../../../services/core/canonicalJson.ts';
import { readCanonicalRecord } from '../../../services/core/canonicalRecord.ts';
import { isNotariumError } from '../../../services/core/errors.ts';
import { readAnyRecord, readRecord } from '../../../services/core/record.ts';
import type { UnsignedRecord } from '../../../services/core/recordSchema.ts';
import { isExactJson } from '../../support/isExactJson.ts';
import { network, recordOf } from './receiptKit.ts';

/** What reading a text comes to: the record with all that belongs to it, or the error. */
function outcome(read: () => object): object {
  try {
    return read();
  } catch (error) {
    if (!isNotariumError(error)) throw error;
    return { code: error.code, detail: error.detail, data: error.data };
  }
}

/** Both ways must say the same of a text, down to the order of fields. */
function expectAgreement(text: string): void {
  const short = outcome(() => readRecord(text));
  const long = outcome(() => readAnyRecord(text));
  expect(short, text).to.deep.equal(long);
  expect(JSON.stringify(short), text).to.equal(JSON.stringify(long));
}

/** Mostly good ones: a record with something bad in each field would never go the short way. */
const mostly = <T, U>(good: fc.Arbitrary<T>, bad: fc.Arbitrary<U>): fc.Arbitrary<T | U> =>
  fc.oneof({ weight: 19, arbitrary: good }, { weight: 1, arbitrary: bad });
const hex = (sizeBytes: number) =>
  fc.uint8Array({ minLength: sizeBytes, maxLength: sizeBytes }).map((bytes) => Buffer.from(bytes).toString('hex'));
const times = mostly(
  fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }).map((date) => date.toISOString()),
  fc.constantFrom('2026-02-30T00:00:00.000Z', '2026-01-01T24:00:00.000Z', '1969-12-31T23:59:59.999Z', '2026-01-01'),
);
const strings = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc.constantFrom(
    'a',
    '',
    '"',
    '\\',
    '\n',
    '\u007f',
    '\u2028',
    '\ud800',
    '\udc00x',
    '😀'.repeat(256),
    '😀'.repeat(257),
  ),
  fc.constantFrom('x'.repeat(256), 'x'.repeat(257), '","submitter":"', '},"network":"eip155:1:0x', '__proto__'),
);
const nastyNumbers = fc.constantFrom(0, -0, 1e21, 2 ** 53, 2 ** 53 - 1, 1e-7, 0.1, 5e-324, -1, 1.5);
const goodMetas = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 3 }).filter(isExactJson), {
  maxKeys: 4,
});
const nastyMetas = fc.oneof(
  fc.dictionary(strings, fc.oneof(nastyNumbers, strings, fc.constant({}), fc.constant([[[]]])), { maxKeys: 4 }),
  fc.integer({ min: 8, max: 13 }).map((depth) => JSON.parse(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`) as object),
  fc.integer({ min: 4080, max: 4100 }).map((size) => ({ a: 'x'.repeat(size - 8) })),
  fc.constant({ a: 'é'.repeat(3000) }),
  fc.constantFrom({}, null, 1, 'x', [], [{}]),
  fc.constant(JSON.parse('{"__proto__":{"v":2},"constructor":1}') as object),
);
const someHolder = `0x${'01'.repeat(20)}` as Address;
const somePredecessor = `0x${'02'.repeat(32)}` as Hash;
const address = hex(20).map((digits) => `0x${digits}`);
const values = fc.record(
  {
    v: mostly(fc.constant(1), fc.constantFrom(2, '1', null)),
    network: mostly(
      fc.constant(`eip155:${network.chainId}:${network.contract}`),
      fc.constantFrom(
        `eip155:9007199254740991:${network.contract}`,
        `eip155:9007199254740993:${network.contract}`,
        `eip155:01:${network.contract}`,
        'eip155:1:0x',
      ),
    ),
    kind: mostly(
      fc.constantFrom('evidence', 'aggregate', 'x-a', `x-${'a'.repeat(62)}`),
      fc.constantFrom('x-', 'other', 'x-A', `x-${'a'.repeat(63)}`),
    ),
    subject: fc.oneof(fc.string({ minLength: 1, maxLength: 40 }), strings),
    digest: hex(32).map((digits) => `sha-256:${digits}`),
    time: times,
    expires: times,
    supersedes: hex(32).map((digits) => `0x${digits}`),
    holder: fc.oneof(
      address,
      hex(20).map((digits) => `0x${digits.toUpperCase()}`),
    ),
    meta: fc.oneof(goodMetas, nastyMetas),
    submitter: address,
    signature: mostly(fc.oneof(hex(65), hex(64)), hex(66)).map((digits) => `0x${digits}`),
  },
  { requiredKeys: ['v', 'network', 'kind', 'subject', 'digest', 'time', 'submitter', 'signature'] },
);

/** Canonical text, where the value has one: lone surrogates have not. */
function spelling(value: object): string {
  try {
    return canonicalText(value);
  } catch {
    return JSON.stringify(value);
  }
}

describe('canonical record, the short way', () => {
  it('is taken for what our own clients send, and for entries of the log', async () => {
    const some: Partial<UnsignedRecord>[] = [
      {},
      { meta: {} },
      { meta: { name: 'a "b"', size: 12, list: [1, null, { b: true }] } },
      { subject: 'urn:€😀\u2028', expires: '2030-01-01T00:00:00.000Z', kind: 'x-a.b' },
      { holder: someHolder, supersedes: somePredecessor },
    ];
    for (const changes of some) {
      const { entry, record } = await recordOf(1, changes);
      expect(readCanonicalRecord(Buffer.from(entry).toString())?.record).to.deep.equal(record);
    }
  });

  it('says of generated records what the long way says', () => {
    let isShort = 0;
    fc.assert(
      fc.property(
        values,
        mostly(fc.constant({}), fc.dictionary(strings, strings, { maxKeys: 1 })),
        fc.boolean(),
        (known, extra, isSorted) => {
          const value = { ...known, ...extra };
          const text = isSorted ? spelling(value) : JSON.stringify(value);
          if (readCanonicalRecord(text)) isShort++;
          expectAgreement(text);
        },
      ),
      { numRuns: 3000 },
    );
    expect(isShort, 'some must go the short way, or nothing is compared').to.be.greaterThan(100);
  });

  it('says of damaged canonical texts what the long way says', async () => {
    const entries = await Promise.all([
      recordOf(1),
      recordOf(2, { meta: { a: [1, true, null], b: 'x' }, expires: '2030-01-01T00:00:00.000Z' }),
      recordOf(3, { holder: someHolder, supersedes: somePredecessor, subject: 'é😀' }),
    ]);
    const sources = entries.map(({ entry }) => Buffer.from(entry).toString());
    const pieces = fc.oneof(
      fc.constantFrom(...'"\\{}[]:,0123456789abcdefXu.eE-+ \n\0\ud800é'),
      fc.constantFrom('"v":1,', '"meta":{},', '"meta":{"a":1,"a":1},', '"meta":{"b":1,"a":1},', '"meta":{"a":1.0},'),
      fc.constantFrom(
        '"__proto__":1,',
        '"meta":{"a":9007199254740992},',
        '"meta":{"a":-0},',
        '"meta":{"a":"\\u0061"},',
      ),
      fc.constantFrom('"meta":{"a":"\\ud800"},', '"meta":{"a":"\ud800"},', '\\u0061', '\\/', '"holder":"x",'),
    );
    const edits = fc.array(fc.tuple(fc.nat(700), fc.constantFrom(0, 0, 1, 3), pieces), { minLength: 1, maxLength: 2 });
    fc.assert(
      fc.property(fc.constantFrom(...sources), edits, (source, changes) => {
        const damaged = changes.reduce(
          (text, [at, size, piece]) => text.slice(0, at % text.length) + piece + text.slice((at % text.length) + size),
          source,
        );
        expectAgreement(damaged);
      }),
      { numRuns: 4000 },
    );
    // Members in their places, where a careless short way would take them.
    for (const source of sources) {
      for (const member of [
        '"meta":{"b":1,"a":1},',
        '"meta":{"a":1,"a":1},',
        '"meta":{"a":1e3},',
        '"meta":{"a":01},',
      ]) {
        expectAgreement(source.replace(/"meta":\{.*\},/, '').replace('"network"', `${member}"network"`));
      }
      for (const member of [
        '"meta":{"a":"\\u00e9"},',
        '"meta":{"a":"\\ud800"},',
        '"meta":{ },',
        '"meta":{},"meta":{},',
      ]) {
        expectAgreement(source.replace(/"meta":\{.*\},/, '').replace('"network"', `${member}"network"`));
      }
    }
  });

  it('bounds the entry as the long way does', async () => {
    const { entry } = await recordOf(1, { subject: '€'.repeat(256), meta: { a: 'x'.repeat(4000) } });
    const text = Buffer.from(entry).toString();
    expectAgreement(text);
    expectAgreement(text.replace('xxx', 'x'.repeat(16_384)));
    expectAgreement(text.replace('xxx', '€'.repeat(6000)));
  });
});
