import vm from 'node:vm';
import { expect } from 'chai';
import fc from 'fast-check';
import { LinearPattern } from '../../../../services/lib/activities/LinearPattern.ts';
import { maxSteps } from '../../../../services/lib/activities/patternProgram.ts';
import { expectCode } from '../../../support/expectCode.ts';

/** Patterns of small parts, so that they often match. */
const patterns = fc.letrec<{ pattern: string; term: string; atom: string }>((tie) => ({
  pattern: fc
    .array(fc.array(tie('term'), { maxLength: 3 }), { minLength: 1, maxLength: 3 })
    .map((all) => all.map((one) => one.join('')).join('|')),
  term: fc.oneof(
    { depthSize: 'small' },
    tie('atom'),
    fc.constantFrom('^', '$', '\\b', '\\B'),
    fc
      .tuple(
        tie('atom'),
        fc.constantFrom('*', '+', '?', '{2}', '{0}', '{1,}', '{0,2}', '{2,3}'),
        fc.constantFrom('', '?'),
      )
      .map((parts) => parts.join('')),
  ),
  atom: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(
      'a',
      'b',
      ' ',
      '.',
      '\\d',
      '\\w',
      '\\s',
      '\\W',
      '[ab]',
      '[^a]',
      '[\\]a-]',
      '\\.',
      '\\u0061',
      '\\x62',
      '\\u{1F600}',
      '\\p{Lu}',
      '[\\d.]',
      '😀',
      '\\n',
    ),
    tie('pattern').map((inner) => `(?:${inner})`),
    tie('pattern').map((inner) => `(${inner})`),
  ),
})).pattern;
const texts = fc
  .array(fc.constantFrom('a', 'b', 'A', '1', '.', ' ', '\n', '-', ']', '😀', 'é'), { maxLength: 8 })
  .map((all) => all.join(''));

/** What the engine of JavaScript says of each text; undefined where it has not found out within a second: it would go on for years. */
const engine = vm.createContext({ pattern: /x/u, texts: [''] });
const tests = new vm.Script('texts.map((text) => pattern.test(text))');
function saidByEngine(pattern: RegExp, texts: readonly string[]): boolean[] | undefined {
  Object.assign(engine, { pattern, texts });
  try {
    return tests.runInContext(engine, { timeout: 1000 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return undefined;
    throw error;
  }
}

describe('patterns tested in linear time', () => {
  it('say of any text what the engine of JavaScript says', () => {
    const numRuns = 3000;
    let endless = 0;
    fc.assert(
      fc.property(patterns, fc.array(texts, { minLength: 5, maxLength: 5 }), (pattern, some) => {
        const ours = new LinearPattern(pattern);
        // V8 finds a \B within a pair of surrogates, where ECMA-262 does not look.
        const asked = pattern.includes('\\B') ? some.map((text) => text.replaceAll('😀', '')) : some;
        const said = asked.map((text) => ours.test(text));
        const theirs = saidByEngine(new RegExp(pattern, 'u'), asked);
        if (theirs) expect(said, `${pattern} on ${JSON.stringify(asked)}`).to.deep.equal([...theirs]);
        else endless++;
      }),
      { numRuns },
    );
    expect(endless).to.be.below(numRuns / 100);
    // That it is found out at all.
    expect(saidByEngine(/^(a+)+$/u, [`${'a'.repeat(40)}!`])).to.equal(undefined);
  });

  it('know the patterns of real schemas', () => {
    const cases: [pattern: string, good: string, bad: string][] = [
      ['^[A-Z]{4}[0-9]{7}$', 'MSKU1234567', 'MSKU123456'],
      ['^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(?:\\.\\d+)?Z$', '2026-11-22T05:00:00.123Z', '2026-11-22'],
      ['^[^@\\s]+@[^@\\s]+\\.[a-z]{2,63}$', 'a.b@example.com', 'a b@example.com'],
      ['^(?<scheme>https?)://[\\w.-]+(?::\\d{1,5})?(?:/.*)?$', 'https://example.com:8443/x?y', 'ftp://example.com'],
      ['^(0|[1-9]\\d*)(\\.\\d{1,2})?$', '120.50', '012'],
      ["^\\p{L}[\\p{L} \\-']*$", "Éloïse O'Neil", '7up'],
      ['^0x[0-9a-f]{64}$', `0x${'0f'.repeat(32)}`, `0x${'0f'.repeat(31)}`],
    ];
    for (const [pattern, good, bad] of cases) {
      expect(new LinearPattern(pattern).test(good), `${pattern} on ${good}`).to.equal(true);
      expect(new LinearPattern(pattern).test(bad), `${pattern} on ${bad}`).to.equal(false);
    }
  });

  it('do no more work than text times pattern, where JavaScript would go on for years', () => {
    for (const pattern of [
      '^(a+)+$',
      '^(a|a)*$',
      '^(a|aa)+$',
      '^(.*a){20}$',
      '(x+x+)+y',
      `^${'a?'.repeat(30)}${'a'.repeat(30)}$`,
    ]) {
      let work = 0;
      const text = `${'a'.repeat(1000)}!`;
      new LinearPattern(pattern, (cost) => {
        work += cost;
      }).test(text);
      expect(work, pattern).to.be.within(text.length, text.length * 200);
    }
  });

  it('refuse what needs memory, looks around, or is too large', async () => {
    for (const pattern of [
      '(a)\\1',
      '(?<x>a)\\k<x>',
      '(?=a)',
      '(?!a)b',
      '(?<=a)b',
      '(?<!a)b',
      '(',
      '[z-a]',
      'a**',
      '\\p{Nonsense}',
    ]) {
      await expectCode('activity-schema-invalid', () => new LinearPattern(pattern));
    }
    for (const pattern of [
      `a{${maxSteps}}`,
      '((((a{10}){10}){10}){10}){10}',
      'a{1,4294967295}',
      '(a{0,99999}){0,99999}',
    ]) {
      await expectCode('activity-schema-invalid', () => new LinearPattern(pattern));
    }
    expect(new LinearPattern('(?:){4294967295}').test('')).to.equal(true);
  });
});
