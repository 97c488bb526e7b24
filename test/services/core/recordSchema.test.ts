import { expect } from 'chai';
import fc from 'fast-check';
import { utf8 } from '../../../services/core/bytes.ts';
import { canonicalText } from '../../../services/core/canonicalJson.ts';
import { networkName } from '../../../services/core/eip712.ts';
import { type CheckedRecord, parseEntry, readRecord } from '../../../services/core/record.ts';
import { maxEntryBytes, maxMetaBytes, maxRecordDepth } from '../../../services/core/recordSchema.ts';
import { codeOf } from '../../support/codeOf.ts';
import { expectCode } from '../../support/expectCode.ts';
import { network, recordOf } from './receiptKit.ts';

const text = (checked: CheckedRecord): string => Buffer.from(checked.entry).toString();
const readCode = (value: unknown): string => codeOf(() => readRecord(JSON.stringify(value)));

describe('the fields of a record', () => {
  let sample: CheckedRecord;
  /** The sample with other fields; undefined leaves one out. */
  const changed = (changes: Record<string, unknown>): Record<string, unknown> => ({ ...sample.record, ...changes });

  before(async () => {
    sample = await recordOf(1);
  });

  it('gives each wrong field its code', () => {
    const hash = `0x${'ab'.repeat(32)}`;
    const cases: readonly (readonly [Record<string, unknown>, string])[] = [
      ...[0, 2, '1', null, true, [1], undefined].map((v) => [{ v }, 'record-version-unsupported'] as const),
      ...[
        '',
        'eip155:31337',
        `eip155:0:${network.contract}`,
        `eip155:031337:${network.contract}`,
        `eip155:31337:${network.contract.toUpperCase()}`,
        `eip155:31337:0x${'5F'.repeat(20)}`,
        `eip155:9007199254740993:${network.contract}`,
        `${networkName(network)} `,
        `${networkName(network)}\n`,
        31337,
        null,
        undefined,
      ].map((name) => [{ network: name }, 'record-invalid'] as const),
      ...['', 'Evidence', 'x-', 'x-A', 'x_a', `x-${'a'.repeat(63)}`, 'evidence\n', 'other', 5, null, undefined].map(
        (kind) => [{ kind }, 'record-invalid'] as const,
      ),
      ...['', 'a'.repeat(257), '😀'.repeat(257), 5, null, undefined].map(
        (subject) => [{ subject }, 'record-invalid'] as const,
      ),
      ...[
        `sha-256:${'ab'.repeat(31)}`,
        `sha-256:${'ab'.repeat(33)}`,
        `sha-256:${'ab'.repeat(31)}a`,
        `sha-256:${'AB'.repeat(32)}`,
        `sha-256:0x${'ab'.repeat(31)}`,
        `SHA-256:${'ab'.repeat(32)}`,
        `sha256:${'ab'.repeat(32)}`,
        `sha-512:${'ab'.repeat(64)}`,
        `sha-256:${'ab'.repeat(32)}\n`,
        'ab'.repeat(32),
        '',
        null,
        undefined,
      ].map((digest) => [{ digest }, 'record-digest-invalid'] as const),
      ...[`0x${'ab'.repeat(31)}`, `0x${'AB'.repeat(32)}`, 'ab'.repeat(32), '', null, {}].map(
        (supersedes) => [{ supersedes }, 'record-invalid'] as const,
      ),
      ...[`0x${'ab'.repeat(19)}`, `0x${'AB'.repeat(20)}`, hash, '', null].flatMap((address) => [
        [{ holder: address }, 'record-invalid'] as const,
        [{ submitter: address }, 'record-invalid'] as const,
      ]),
      ...[null, [], 'x', 1, true].map((meta) => [{ meta }, 'record-invalid'] as const),
      ...[
        undefined,
        null,
        '',
        '0x',
        'ab'.repeat(65),
        `0x${'ab'.repeat(63)}`,
        `0x${'ab'.repeat(66)}`,
        `0x${'ab'.repeat(64)}a`,
        `0x${'AB'.repeat(65)}`,
        `0x${'zz'.repeat(65)}`,
        'x'.repeat(20_000),
      ].map((signature) => [{ signature }, 'signature-malformed'] as const),
    ];
    for (const [changes, code] of cases) expect(readCode(changed(changes)), JSON.stringify(changes)).to.equal(code);
    for (const value of [null, [], 1, 'x', true, [sample.record]]) expect(readCode(value)).to.equal('record-invalid');
    for (const kind of ['evidence', 'database', 'activity', 'resource', 'aggregate', 'x-a', `x-${'a'.repeat(62)}`]) {
      expect(readCode(changed({ kind })), kind).to.equal('none');
    }
  });

  it('takes times of one form only', () => {
    for (const field of ['time', 'expires']) {
      for (const time of [
        ...[
          '2026-02-30T00:00:00.000Z',
          '2026-02-29T00:00:00.000Z',
          '2026-04-31T12:00:00.000Z',
          '2026-13-01T00:00:00.000Z',
        ],
        ...[
          '2026-00-10T00:00:00.000Z',
          '2026-01-00T00:00:00.000Z',
          '2016-12-31T23:59:60.000Z',
          '2026-01-01T24:00:00.000Z',
        ],
        ...['2026-01-01T00:60:00.000Z', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00.00Z', '2026-01-01T00:00:00.0000Z'],
        ...['2026-01-01T00:00:00.000+00:00', '2026-01-01T00:00:00.000-00:00', '2026-01-01T00:00:00.000', '2026-01-01'],
        ...[
          '2026-01-01t00:00:00.000z',
          '2026-01-01 00:00:00.000Z',
          '+002026-01-01T00:00:00.000Z',
          '1969-12-31T23:59:59.999Z',
        ],
        ...['2026-01-01T00:00:00.000Z\n', '', 1763000000000, null],
      ]) {
        expect(readCode(changed({ [field]: time })), `${field} ${time}`).to.equal('record-time-invalid');
      }
      for (const time of ['1970-01-01T00:00:00.000Z', '2024-02-29T23:59:59.999Z', '9999-12-31T23:59:59.999Z']) {
        expect(readCode(changed({ [field]: time })), time).to.equal('none');
      }
    }
    expect(readCode(changed({ time: undefined }))).to.equal('record-time-invalid');
  });

  it('takes exactly the times that Date writes', () => {
    const two = (max: number) => fc.nat(max).map((part) => String(part).padStart(2, '0'));
    const times = fc
      .tuple(fc.integer({ min: 1970, max: 9999 }), two(13), two(32), two(25), two(61), two(61), fc.nat(999))
      .map(([year, month, day, hour, minute, second, ms]) => {
        return `${year}-${month}-${day}T${hour}:${minute}:${second}.${String(ms).padStart(3, '0')}Z`;
      });
    fc.assert(
      fc.property(times, (time) => {
        const unixMs = Date.parse(time);
        const isTime = !Number.isNaN(unixMs) && new Date(unixMs).toISOString() === time;
        expect(readCode(changed({ time }))).to.equal(isTime ? 'none' : 'record-time-invalid');
      }),
      { numRuns: 300 },
    );
  });

  it('refuses every field that it does not know', async () => {
    for (const name of ['extra', '', 'Signature', 'toString', 'constructor', 'id', 'sıgnature']) {
      expect(readCode({ ...sample.record, [name]: 1 }), name).to.equal('record-unknown-field');
    }
    const withProto = text(sample).replace('{', '{"__proto__":{"v":1},');
    expect(codeOf(() => readRecord(withProto))).to.equal('record-unknown-field');
    const error = await expectCode('record-unknown-field', () =>
      readRecord(JSON.stringify({ ...sample.record, [`${'a'.repeat(63)}😀`]: 1 })),
    );
    expect((error.data.fields as string[]).every((field) => field.isWellFormed())).to.equal(true);
  });

  it('counts the characters of a subject, not its code units', async () => {
    expect(readCode(changed({ subject: '😀'.repeat(256) }))).to.equal('none');
    expect(readCode(changed({ subject: `${'😀'.repeat(256)}a` }))).to.equal('record-invalid');
    expect(readCode(changed({ subject: '\0' }))).to.equal('none');
    expect((await recordOf(1, { subject: '😀'.repeat(256) })).record.subject).to.have.length(512);
  });

  it('bounds meta at 4096 bytes of its canonical form', () => {
    const metaOf = (sizeBytes: number, char = 'x') => ({ a: char.repeat((sizeBytes - 8) / utf8(char).length) });
    expect(utf8(canonicalText(metaOf(maxMetaBytes)))).to.have.length(4096);
    expect(readCode(changed({ meta: metaOf(4096) }))).to.equal('none');
    expect(readCode(changed({ meta: metaOf(4097) }))).to.equal('record-meta-too-large');
    expect(readCode(changed({ meta: metaOf(4096, 'é') }))).to.equal('none');
    expect(readCode(changed({ meta: metaOf(4098, 'é') }))).to.equal('record-meta-too-large');
    expect(readCode(changed({ meta: {} }))).to.equal('none');
    // White space and escapes of the posted text do not count.
    const spaced = JSON.stringify(changed({ meta: metaOf(4096) })).replace('"meta":{', `"meta":{${' '.repeat(5000)}`);
    expect(codeOf(() => readRecord(spaced))).to.equal('none');
  });

  it('bounds entries at 16 KiB, and posted texts at twice that', () => {
    expect(codeOf(() => parseEntry(new Uint8Array(maxEntryBytes).fill(32)))).to.equal('json-malformed');
    expect(codeOf(() => parseEntry(new Uint8Array(maxEntryBytes + 1).fill(32)))).to.equal('record-too-large');
    const padded = (size: number): string => text(sample).padStart(size, ' ');
    expect(codeOf(() => readRecord(padded(2 * maxEntryBytes)))).to.equal('none');
    expect(codeOf(() => readRecord(padded(2 * maxEntryBytes + 1)))).to.equal('record-too-large');
    expect(codeOf(() => readRecord('['.repeat(10 << 20)))).to.equal('record-too-large');
  });

  it('bounds nesting, whatever strings hold', () => {
    const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
    const inMeta = (depth: number, subject = 'x') => changed({ subject, meta: { a: nested(depth - 2) } });
    expect(readCode(inMeta(maxRecordDepth))).to.equal('none');
    expect(readCode(inMeta(maxRecordDepth + 1))).to.equal('json-too-deep');
    // Closing brackets in a string must not make room for more.
    expect(readCode(inMeta(maxRecordDepth + 1, ']'.repeat(200)))).to.equal('json-too-deep');
    const canonical = canonicalText({
      ...inMeta(100),
      expires: undefined,
      meta: { a: ']'.repeat(200), b: nested(100) },
    });
    expect(codeOf(() => readRecord(canonical))).to.equal('json-too-deep');
    expect(codeOf(() => readRecord(text(sample).replace('{', `{"meta":${'['.repeat(15_000)},`)))).to.equal(
      'json-too-deep',
    );
  });
});
