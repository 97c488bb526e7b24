import { expect } from 'chai';
import fc from 'fast-check';
import { utf8 } from '../../../services/core/bytes.ts';
import { canonicalText } from '../../../services/core/canonicalJson.ts';
import { parseStrictJson, readStrictJson } from '../../../services/core/strictJson.ts';
import { codeOf } from '../../support/codeOf.ts';
import { isExactJson } from '../../support/isExactJson.ts';

const codeFor = (text: string | Uint8Array, limits = {}): string => codeOf(() => parseStrictJson(text, limits));

/** What JSON.parse makes of a text, as one canonical text; undefined where it refuses. */
function readingOf(text: string): string | undefined {
  try {
    return canonicalText(JSON.parse(text));
  } catch {
    return undefined;
  }
}

describe('strictJson', () => {
  // JSON.stringify writes every number as RFC 8785 does; keys may be anything, __proto__ too.
  const anyJson = fc.jsonValue({ maxDepth: 6, noUnicodeString: false }).filter((value) => {
    const text = JSON.stringify(value);
    return text.isWellFormed() && !/\\ud[89a-f]/.test(text) && isExactJson(value);
  });

  it('gives back every JSON value', () => {
    fc.assert(
      fc.property(anyJson, fc.constantFrom(undefined, 1, '\t'), (value, space) => {
        const text = JSON.stringify(value, null, space);
        const parsed = parseStrictJson(text);
        expect(parsed).to.deep.equal(JSON.parse(text));
        expect(canonicalText(parsed)).to.equal(canonicalText(value));
        expect(canonicalText(parseStrictJson(utf8(text)))).to.equal(canonicalText(value));
      }),
    );
  });

  it('gives every text that it accepts the reading of JSON.parse, and that reading is stable', () => {
    const tokens = fc.constantFrom(
      ...['{', '}', '[', ']', ':', ',', '"a"', '"b"', '"\\u0061"', '"__proto__"', '""', '"', '\\', ' ', '\n', '\u00a0'],
      ...['0', '-0', '1', '1.0', '1e3', '-1', '.5', '01', 'true', 'false', 'null', 'nul', '\ud800', '"\\ud800"', '\0'],
    );
    const texts = fc.oneof(
      fc.array(tokens, { maxLength: 12 }).map((parts) => parts.join('')),
      fc.json({ maxDepth: 3 }).chain((text) =>
        fc.tuple(fc.nat(text.length), fc.nat(3), tokens).map(([at, size, token]) => {
          return text.slice(0, at) + token + text.slice(at + size);
        }),
      ),
    );
    fc.assert(
      fc.property(texts, (text) => {
        let parsed: unknown;
        const code = codeOf(() => {
          parsed = parseStrictJson(text);
        });
        if (code === 'none') {
          const canonical = canonicalText(parsed);
          expect(canonical).to.equal(readingOf(text));
          expect(canonicalText(parseStrictJson(canonical))).to.equal(canonical);
        } else if (code === 'json-malformed') {
          expect(() => JSON.parse(text), text).to.throw(SyntaxError);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('says of no text that it is canonical but of one that is', () => {
    const notes = new Set<boolean>();
    fc.assert(
      fc.property(anyJson, (value) => {
        for (const text of [JSON.stringify(value), canonicalText(value), JSON.stringify(value, undefined, 1)]) {
          const { value: read, isCanonical } = readStrictJson(text);
          notes.add(isCanonical);
          if (isCanonical) expect(text).to.equal(canonicalText(read));
        }
      }),
    );
    expect([...notes]).to.have.members([true, false]);
    expect(readStrictJson('{"a":{"b":1,"c":[2]}}').isCanonical).to.equal(true);
    expect(readStrictJson('{"a":{"c":[2],"b":1}}').isCanonical).to.equal(false);
  });

  it('reads a canonical text as it reads the same one with white space', () => {
    const pieces = fc.constantFrom(
      '"',
      '\\',
      '\\ud800',
      '\\u0041',
      '9007199254740992',
      '9007199254740993',
      '-0',
      '1.0',
      '"a":1,',
      ',',
      '[',
      '}',
      ' ',
    );
    const texts = fc.jsonValue({ maxDepth: 4 }).chain((value) => {
      const text = canonicalText(value);
      const changed = fc.tuple(fc.nat(text.length), fc.nat(2), pieces);
      return fc.oneof(
        fc.constant(text),
        changed.map(([at, size, piece]) => text.slice(0, at) + piece + text.slice(at + size)),
      );
    });
    const read = (text: string): unknown => {
      try {
        return parseStrictJson(text, { maxDepth: 3 });
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    fc.assert(
      fc.property(texts, (text) => {
        expect(read(text)).to.deep.equal(read(`${text} `));
      }),
      { numRuns: 3000 },
    );
  });

  it('refuses duplicate keys, however they are spelt and wherever they are', () => {
    for (const text of [
      '{"a":1,"a":1}',
      '{"a":1,"b":2,"a":3}',
      '{"a":1,"\\u0061":2}',
      '{"\\u0061":1,"\\u0061":2}',
      '{"é":1,"\\u00e9":2}',
      '{"/":1,"\\/":2}',
      '{"":1,"":2}',
      '{"x":{"a":1,"a":2}}',
      '[[{"a":[],"a":[]}]]',
      '{"__proto__":1,"__proto__":2}',
      '{"constructor":1,"constructor":2}',
      '{"1":1,"1":2}',
      '{"😀":1,"\\ud83d\\ude00":2}',
    ]) {
      expect(codeFor(text), text).to.equal('json-duplicate-key');
    }
    expect(codeFor('[{"a":1},{"a":2,"b":{"a":3}}]')).to.equal('none');
    // The composed and the decomposed é are two keys: JSON does not normalise.
    expect(codeFor('{"\u00e9":1,"e\u0301":2}')).to.equal('none');
  });

  it('takes __proto__ and the names of Object.prototype for ordinary keys', () => {
    const parsed = parseStrictJson('{"__proto__":{"polluted":true},"toString":1,"hasOwnProperty":2}') as object;
    expect(Object.getPrototypeOf(parsed)).to.equal(Object.prototype);
    expect(Object.keys(parsed)).to.deep.equal(['__proto__', 'toString', 'hasOwnProperty']);
    expect(({} as Record<string, unknown>).polluted).to.equal(undefined);
    expect(canonicalText(parsed)).to.equal('{"__proto__":{"polluted":true},"hasOwnProperty":2,"toString":1}');
  });

  it('refuses lone surrogates, raw and escaped, in values and keys', () => {
    for (const half of [
      '\ud800',
      '\udfff',
      '\\ud800',
      '\\uDBFF',
      '\\udc00',
      '\\ude00\\ud83d',
      '\\ud83d\\u0041',
      '\\ud83dx',
    ]) {
      expect(codeFor(`"${half}"`), half).to.equal('json-lone-surrogate');
      expect(codeFor(`{"${half}":1}`), half).to.equal('json-lone-surrogate');
      expect(codeFor(`[{"a":"x${half}"}]`), half).to.equal('json-lone-surrogate');
    }
    expect(parseStrictJson('"\\ud83d\\ude00"')).to.equal('😀');
    expect(parseStrictJson('"\ud83d\\ude00"')).to.equal('😀');
  });

  it('takes numbers only as RFC 8785 writes them', () => {
    for (const text of [
      ...[
        '1.0',
        '1e3',
        '1E3',
        '-0',
        '-0.0',
        '0.0',
        '1E400',
        '-1e400',
        '9007199254740993',
        '0.10',
        '1e21',
        '1E+21',
        '1e-07',
      ],
      ...['100e-2', '1000000000000000000000', '0.0000001', '5e-325', '4.9e-324', '3.0000000000000000001', '1e+20'],
    ]) {
      expect(codeFor(text), text).to.equal('json-number-not-canonical');
    }
    for (const text of [
      ...['0', '1', '-1', '0.1', '1e-7', '5e-324', '9007199254740991', '-9007199254740991', '0.000001'],
      ...['1424953923781206.2', '-333333333.3333333'],
    ]) {
      expect(parseStrictJson(text), text).to.equal(Number(text));
    }
    for (const text of [
      '01',
      '-',
      '+1',
      '.5',
      '1.',
      '1e',
      '0x10',
      'NaN',
      'Infinity',
      '-Infinity',
      '1_000',
      '--1',
      '１',
    ]) {
      expect(codeFor(text), text).to.equal('json-malformed');
    }
  });

  // RFC 8785 writes them so, but several integers round to each: another reader may take it for another one.
  it('refuses integers beyond 2^53 - 1', () => {
    for (const text of [
      ...['9007199254740992', '9007199254740994', '-9007199254740992', '123456789012345680000', '1e+21', '-1e+21'],
      '1.7976931348623157e+308',
    ]) {
      expect(String(Number(text)), text).to.equal(text);
      for (const json of [text, `[${text}]`, `{"a":{"b":${text}}}`]) {
        expect(codeFor(json), json).to.equal('json-number-not-canonical');
      }
    }
  });

  it('takes every double that is exact in its shortest form', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }).filter(isExactJson), (value) => {
        expect(parseStrictJson(JSON.stringify(value))).to.equal(value === 0 ? 0 : value);
      }),
    );
  });

  it('refuses what is not JSON', () => {
    for (const text of [
      ...[
        '',
        ' ',
        '[1,]',
        '{"a":1,}',
        '[,1]',
        '[1 2]',
        '{a:1}',
        "{'a':1}",
        '{"a" 1}',
        '{"a":}',
        '{"a"}',
        '{,}',
        '[',
        '{',
        '"',
      ],
      ...[
        '"\\',
        '"\\x"',
        '"\\u12g4"',
        '"\\u123"',
        '"\t"',
        '"\n"',
        '"\0"',
        '"\u001f"',
        '\ufeff{}',
        '{}\ufeff',
        '{}{}',
        '1 2',
      ],
      ...[
        'tru',
        'True',
        'undefined',
        '[1]//c',
        '/**/1',
        '\u00a01',
        '\u2028{}',
        '\v1',
        '\f1',
        ']',
        '"a"b',
        '{"a":1]',
        '[1}',
      ],
    ]) {
      expect(codeFor(text), JSON.stringify(text)).to.equal('json-malformed');
      expect(() => JSON.parse(text), JSON.stringify(text)).to.throw(SyntaxError);
    }
    expect(parseStrictJson('"\u007f\u2028\u0080"')).to.equal('\u007f\u2028\u0080');
  });

  it('bounds nesting exactly', () => {
    const nested = (depth: number, open = '[', close = ']'): string => open.repeat(depth) + close.repeat(depth);
    expect(codeFor(nested(16))).to.equal('none');
    expect(codeFor(nested(17))).to.equal('json-too-deep');
    expect(codeFor(`${'{"a":'.repeat(16)}1${'}'.repeat(16)}`)).to.equal('none');
    expect(codeFor(`${'{"a":'.repeat(17)}1${'}'.repeat(17)}`)).to.equal('json-too-deep');
    expect(codeFor(nested(3), { maxDepth: 3 })).to.equal('none');
    expect(codeFor(nested(4), { maxDepth: 3 })).to.equal('json-too-deep');
    // Siblings do not add up, and brackets in a string are none.
    expect(codeFor(`[${Array(50).fill('[[]]').join()}]`, { maxDepth: 3 })).to.equal('none');
    expect(codeFor(`["${']'.repeat(30)}",${nested(3)}]`, { maxDepth: 3 })).to.equal('json-too-deep');
    expect(codeFor(`["${'['.repeat(30)}"]`, { maxDepth: 3 })).to.equal('none');
    expect(codeFor('['.repeat(1 << 20))).to.equal('json-too-deep');
  });

  it('bounds size exactly', () => {
    const text = JSON.stringify('x'.repeat(98));
    expect(codeFor(text, { maxSize: 100 })).to.equal('none');
    expect(codeFor(text, { maxSize: 99 })).to.equal('json-too-large');
    expect(codeFor(utf8(text), { maxSize: 99 })).to.equal('json-too-large');
    expect(codeFor(utf8('"é"'), { maxSize: 3 })).to.equal('json-too-large');
    expect(codeFor(' '.repeat((1 << 20) + 1))).to.equal('json-too-large');
  });

  it('refuses bytes that are not UTF-8, and a byte order mark', () => {
    expect(codeFor(Uint8Array.of(0x22, 0xff, 0x22))).to.equal('text-not-utf8');
    expect(codeFor(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22))).to.equal('text-not-utf8');
    expect(codeFor(Uint8Array.of(0x22, 0xc1, 0xbf, 0x22))).to.equal('text-not-utf8');
    expect(codeFor(Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d))).to.equal('json-malformed');
  });

  it('ends on a megabyte of anything', () => {
    const size = 1 << 20;
    const fill = (part: string): string => part.repeat(Math.floor((size - 8) / part.length));
    const keys = `{${Array.from({ length: 80_000 }, (_, index) => `"k${index}":1`).join()}}`;
    for (const [text, code] of [
      [`"${fill('x')}"`, 'none'],
      [`"${fill('\\u00e9')}"`, 'none'],
      [`"${fill('\\n')}"`, 'none'],
      [`"${fill('a\\"')}"`, 'none'],
      [`"${fill('x')}`, 'json-malformed'],
      [`"${fill('\\')}`, 'json-malformed'],
      [`[${fill('1,')}1]`, 'none'],
      [`[${fill('[],')}1]`, 'none'],
      [`[${fill('{},')}1]`, 'none'],
      [`${fill(' ')}1`, 'none'],
      [fill('1'), 'json-number-not-canonical'],
      [`0.${fill('1')}`, 'json-number-not-canonical'],
      [`1e${fill('9')}`, 'json-number-not-canonical'],
      [fill('-'), 'json-malformed'],
      [fill('{"a":'), 'json-too-deep'],
      [keys, 'none'],
    ] as const) {
      expect(codeFor(text), text.slice(0, 12)).to.equal(code);
    }
  });
});
