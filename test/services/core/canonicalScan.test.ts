import { expect } from 'chai';
import fc from 'fast-check';
import { countValues } from '../../../services/core/activities/valueBounds.ts';
import { concat, fromUtf8, utf8 } from '../../../services/core/bytes.ts';
import { canonicalText } from '../../../services/core/canonicalJson.ts';
import { scanCanonical } from '../../../services/core/canonicalScan.ts';
import { parseStrictJson } from '../../../services/core/strictJson.ts';

const depth = 40;
const scan = (text: string | Uint8Array) => scanCanonical(typeof text === 'string' ? utf8(text) : text, 0, depth);

/** What is canonical by the parser that makes values of it. */
function isCanonical(bytes: Uint8Array): boolean {
  try {
    const text = fromUtf8(bytes);
    return canonicalText(parseStrictJson(text, { maxDepth: depth })) === text;
  } catch {
    return false;
  }
}

describe('core/canonicalScan', () => {
  it('finds the end of canonical values, and how many there are', () => {
    const texts = [
      ...['null', 'true', 'false', '0', '7', '-7', '123456789012345', '0.5', '-0.000001', '12345.6789', '""', '"a"'],
      ...['[]', '{}', '[0]', '[[],{}]', '{"":1}', '{"a":{"b":[1,2,{"c":null}]},"aa":2,"b":3}', '"\\u0000\\u001f\\n"'],
      ...[
        '"é€😀\u2028\u007f"',
        '"\\"\\\\\\b\\f\\r\\t/"',
        '{"1":0,"10":0,"2":0}',
        '{"__proto__":{"a":1}}',
        '[0.1,-1.25]',
      ],
    ];
    for (const text of texts) {
      const values = countValues(text, 100);
      expect(scan(text), text).to.deep.equal({ end: utf8(text).length, values });
      expect(scan(`${text},"behind":`), text).to.deep.equal({ end: utf8(text).length, values });
      expect(scanCanonical(concat(utf8('{"before":'), utf8(text)), 10, depth)?.values, text).to.equal(values);
    }
  });

  it('says nothing of what is not canonical, or cannot be told by the bytes', () => {
    const texts = [
      ...['', ' 1', '01', '-0', '-', '+1', '.5', '1.', '1.0', '0.50', '1e3', '1E3', '0.0000001', '1234567890123456'],
      ...['1234567890.123456', 'nul', 'True', 'NaN', '"', '"a', '"\n"', '"\\/"', '"\\u0041"', '"\\u000a"', '"\\u001F"'],
      ...[
        '"\\ud83d\\ude00"',
        '"\\x"',
        '"\\u00',
        '[',
        '[1',
        '[1,',
        '[1,]',
        '[,1]',
        '[1 ]',
        '[1,\n2]',
        '{',
        '{"a"',
        '{"a":',
      ],
      ...['{"a":1', '{"a":1,', '{"a":1,}', '{"b":1,"a":2}', '{"a":1,"a":2}', '{"aa":1,"a":2}', '{a:1}', '{"a" :1}'],
      ...['{"é":1}', '{"\\n":1}', '{"a":01}', '[-]', '[1}', '{"a":1]'],
    ];
    for (const text of texts) expect(scan(text), text).to.equal(undefined);
    for (const bytes of [
      [0x22, 0xff, 0x22],
      [0x22, 0xc0, 0x80, 0x22],
      [0x22, 0xed, 0xa0, 0x80, 0x22],
    ])
      expect(scan(Uint8Array.from(bytes)), String(bytes)).to.equal(undefined);
  });

  it('goes no deeper than it is told', () => {
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
    ] as const) {
      const nested = (levels: number): string => `${open.repeat(levels)}1${close.repeat(levels)}`;
      expect(scan(nested(depth))?.values).to.equal(depth + 1);
      expect(scan(nested(depth + 1))).to.equal(undefined);
      expect(scan(nested(100_000))).to.equal(undefined);
    }
    expect(scanCanonical(utf8('[]'), 0, 0)).to.equal(undefined);
    expect(scanCanonical(utf8('1'), 0, 0)).to.deep.equal({ end: 1, values: 1 });
  });

  it('knows every value with plain names and numbers by its canonical text', () => {
    const number = fc.oneof(
      fc.integer(),
      fc.integer({ min: -9999999, max: 9999999 }).map((value) => value / 1000),
    );
    const name = fc.string({ unit: fc.integer({ min: 0x20, max: 0x7f }).map((code) => String.fromCharCode(code)) });
    const plain = name.filter((text) => !/["\\]/.test(text));
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        ...[number, fc.string({ unit: 'binary' }), fc.boolean(), fc.constant(null)],
        ...[fc.array(tie('tree')), fc.dictionary(plain, tie('tree'))],
      ),
    }));
    fc.assert(
      fc.property(tree, (value) => {
        const text = canonicalText(value);
        expect(scan(text)).to.deep.equal({ end: utf8(text).length, values: countValues(text, 1e6) });
      }),
      { numRuns: 1000 },
    );
  });

  it('takes nothing for canonical that the parser does not, whatever is changed in a text', () => {
    const pieces = [
      '"',
      '\\',
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '0',
      '-',
      '.',
      '1e5',
      'null',
      ' ',
      '\n',
      'é',
      '\\u0001',
      '"a":',
    ];
    const change = fc.record({
      at: fc.nat(10_000),
      remove: fc.nat(3),
      insert: fc.oneof(fc.constantFrom(...pieces).map(utf8), fc.uint8Array({ maxLength: 3 })),
    });
    fc.assert(
      fc.property(fc.jsonValue(), fc.array(change, { maxLength: 3 }), (value, changes) => {
        let bytes = utf8(canonicalText(value));
        for (const { at, remove, insert } of changes) {
          const place = at % (bytes.length + 1);
          bytes = concat(bytes.subarray(0, place), insert, bytes.subarray(place + remove));
        }
        const found = scan(bytes);
        if (!found) return;
        // What is behind the value is for others to judge.
        const whole = bytes.subarray(0, found.end);
        expect(isCanonical(whole), fromUtf8(whole)).to.equal(true);
        expect(found.values).to.equal(countValues(fromUtf8(whole), 1e6));
      }),
      { numRuns: 5000 },
    );
  });
});
