import { expect } from 'chai';
import fc from 'fast-check';
import { toHex } from '../../../services/core/bytes.ts';
import { canonicalBytes, canonicalText } from '../../../services/core/canonicalJson.ts';

/** The double with these IEEE 754 bits. */
function double(bits: string): number {
  return Buffer.from(bits, 'hex').readDoubleBE();
}

// RFC 8785 appendix B.
const numbers: readonly (readonly [string, string])[] = [
  ['0000000000000000', '0'],
  ['8000000000000000', '0'],
  ['0000000000000001', '5e-324'],
  ['8000000000000001', '-5e-324'],
  ['7fefffffffffffff', '1.7976931348623157e+308'],
  ['ffefffffffffffff', '-1.7976931348623157e+308'],
  ['4340000000000000', '9007199254740992'],
  ['c340000000000000', '-9007199254740992'],
  ['4430000000000000', '295147905179352830000'],
  ['44b52d02c7e14af5', '9.999999999999997e+22'],
  ['44b52d02c7e14af6', '1e+23'],
  ['44b52d02c7e14af7', '1.0000000000000001e+23'],
  ['444b1ae4d6e2ef4e', '999999999999999700000'],
  ['444b1ae4d6e2ef4f', '999999999999999900000'],
  ['444b1ae4d6e2ef50', '1e+21'],
  ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
  ['3eb0c6f7a0b5ed8d', '0.000001'],
  ['41b3de4355555553', '333333333.3333332'],
  ['41b3de4355555554', '333333333.33333325'],
  ['41b3de4355555555', '333333333.3333333'],
  ['41b3de4355555556', '333333333.3333334'],
  ['41b3de4355555557', '333333333.33333343'],
  ['becbf647612f3696', '-0.0000033333333333333333'],
  ['43143ff3c1cb0959', '1424953923781206.2'],
];

/** RFC 8785 section 3.2, word for word. */
function byTheRules(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(byTheRules).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${byTheRules(member)}`).join(',')}}`;
}

describe('canonicalJson', () => {
  it('writes the numbers of RFC 8785 appendix B', () => {
    for (const [bits, text] of numbers) expect(canonicalText(double(bits)), bits).to.equal(text);
    for (const bits of ['7fffffffffffffff', '7ff0000000000000', 'fff0000000000000']) {
      expect(() => canonicalText(double(bits)), bits).to.throw(Error);
      expect(() => canonicalText([double(bits)]), bits).to.throw(Error);
    }
  });

  it('writes the example of RFC 8785 section 3.2.2 as the bytes of section 3.2.4', () => {
    const value: unknown = JSON.parse(
      '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],' +
        String.raw`"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}`,
    );
    expect(canonicalText(value)).to.equal(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
    expect(toHex(canonicalBytes(value))).to.equal(
      '0x7b226c69746572616c73223a5b6e756c6c2c747275652c66616c73655d2c226e756d62657273223a5b3333333333333333332e333333333333' +
        '332c31652b33302c342e352c302e3030322c31652d32375d2c22737472696e67223a22e282ac245c75303030665c6e4127425c225c5c5c5c5c22' +
        '2f227d',
    );
  });

  it('sorts keys by UTF-16 code units as RFC 8785 section 3.2.3 does', () => {
    const value = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\ud83d\ude00': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    };
    expect(Object.values(JSON.parse(canonicalText(value)))).to.have.members(Object.values(value));
    expect([...canonicalText(value).matchAll(/:"([^"]*)"/g)].map(([, name]) => name)).to.deep.equal([
      'Carriage Return',
      'One',
      'Control',
      'Latin Small Letter O With Diaeresis',
      'Euro Sign',
      'Emoji: Grinning Face',
      'Hebrew Letter Dalet With Dagesh',
    ]);
    expect(canonicalText({ 10: 1, 9: 2, a: 3, B: 4 })).to.equal('{"10":1,"9":2,"B":4,"a":3}');
  });

  it('escapes what must be escaped and nothing else', () => {
    expect(canonicalText('\b\t\n\f\r"\\')).to.equal(String.raw`"\b\t\n\f\r\"\\"`);
    expect(canonicalText('\0\u001f\u007f\u2028/<é😀')).to.equal('"\\u0000\\u001f\u007f\u2028/<é😀"');
    expect(() => canonicalText('\ud800')).to.throw(Error);
    expect(() => canonicalText({ '\udc00': 1 })).to.throw(Error);
  });

  it('keeps the value and forgets order and white space', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalText(value);
        expect(canonicalText(JSON.parse(JSON.stringify(value, null, 2)))).to.equal(text);
        expect(JSON.parse(text)).to.deep.equal(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('writes by the rules whatever the names are, and in whatever order they stand', () => {
    const name = fc.oneof(
      fc.constantFrom(
        '__proto__',
        'toJSON',
        'constructor',
        '',
        '0',
        '1',
        '9',
        '10',
        '01',
        '-1',
        '4294967295',
        '1a',
        'é',
        '\ufb33',
      ),
      fc.string({ unit: 'grapheme', maxLength: 3 }),
    );
    const { tree } = fc.letrec((tie) => ({
      leaf: fc.oneof(
        fc.string({ unit: 'grapheme' }),
        fc.integer(),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.boolean(),
        fc.constant(null),
      ),
      tree: fc.oneof(
        { depthSize: 'medium' },
        tie('leaf'),
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.array(fc.tuple(name, tie('tree')), { maxLength: 6 }).map(Object.fromEntries),
      ),
    }));
    fc.assert(
      fc.property(tree, (value) => {
        const text = byTheRules(value);
        expect(canonicalText(value)).to.equal(text);
        expect(canonicalText(JSON.parse(text))).to.equal(text);
      }),
      { numRuns: 1000 },
    );
  });

  it('writes what is nested deeper than usual', () => {
    const text = `${'{"b":['.repeat(200)}${'],"a":1}'.repeat(200)}`;
    expect(canonicalText(JSON.parse(text))).to.equal(byTheRules(JSON.parse(text)));
  });

  it('refuses what has no JSON form', () => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    for (const value of [undefined, () => 1, Symbol('x'), cycle]) expect(() => canonicalText(value)).to.throw(Error);
    expect(() => canonicalText(1n)).to.throw(TypeError);
  });
});
