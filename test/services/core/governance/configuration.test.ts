import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { id as keccakOfText } from 'ethers';
import fc from 'fast-check';
import {
  differencesOf,
  maxConfigurationBytes,
  readConfiguration,
  resourceSetId,
} from '../../../../services/core/governance/configuration.ts';
import type { Json } from '../../../../services/core/governance/json.ts';
import { tokensOf } from '../../../../services/core/governance/jsonPatch.ts';
import { expectCode } from '../../../support/expectCode.ts';

/** What a pointer points to. */
const at = (document: Json, path: string): Json | undefined =>
  tokensOf(path).reduce<unknown>((value, token) => (value as Record<string, unknown>)[token], document) as Json;

const { json } = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, true, false),
    fc.integer(),
    fc.string({ maxLength: 5 }),
    fc.array(tie('json'), { maxLength: 4 }),
    fc.dictionary(fc.string({ maxLength: 3 }), tie('json'), { maxKeys: 4 }),
  ),
}));

describe('configuration', () => {
  it('has the hash of its canonical bytes, however it is spelled', () => {
    const { bytes, hash } = readConfiguration('{ "b": [1, true],\n "a": "\\u00e9" }');
    const canonical = '{"a":"é","b":[1,true]}';
    expect(Buffer.from(bytes).toString()).to.equal(canonical);
    expect(hash).to.equal(`0x${createHash('sha256').update(canonical).digest('hex')}`);
    expect(readConfiguration({ b: [1, true], a: 'é' }).hash).to.equal(hash);
  });

  const bad: readonly (readonly [string, string, Parameters<typeof expectCode>[0]])[] = [
    ['a list', '[]', 'configuration-invalid'],
    ['a text', '"a"', 'configuration-invalid'],
    ['nothing', 'null', 'configuration-invalid'],
    ['no JSON', '{', 'json-malformed'],
    ['a name twice', '{"a":1,"a":2}', 'json-duplicate-key'],
    ['1.0', '{"a":1.0}', 'json-number-not-canonical'],
    ['much too deep', `{"a":${'['.repeat(40)}${']'.repeat(40)}}`, 'json-too-deep'],
    ['too large', `{"a":"${'x'.repeat(maxConfigurationBytes)}"}`, 'json-too-large'],
  ];
  for (const [what, text, code] of bad) {
    it(`is not ${what}`, async () => {
      await expectCode(code, () => readConfiguration(text));
    });
  }

  it('of a resource set has the number by which Solidity would name it', () => {
    expect(resourceSetId('ran.north')).to.equal(keccakOfText('ran.north'));
  });
});

describe('differencesOf', () => {
  it('names each field that is other, missing, or too much, in order', () => {
    const want = { cells: [{ id: 1, power: 40 }, { id: 2 }], name: 'north', 'a/b': true };
    const have = { cells: [{ id: 1, power: 46 }], name: null, 'a/b': true, extra: {} };
    expect(differencesOf(want, have)).to.deep.equal([
      { path: '/cells/0/power', want: 40, have: 46 },
      { path: '/cells/1', want: { id: 2 } },
      { path: '/extra', have: {} },
      { path: '/name', want: 'north', have: null },
    ]);
  });

  it('takes a list and an object for different things, also when empty', () => {
    expect(differencesOf({ a: [] }, { a: {} })).to.deep.equal([{ path: '/a', want: [], have: {} }]);
  });

  it('finds nothing exactly where the canonical texts are equal, and points at what differs', () => {
    fc.assert(
      fc.property(json, json, (a, b) => {
        const [want, have] = [readConfiguration(JSON.stringify({ v: a })), readConfiguration(JSON.stringify({ v: b }))];
        const found = differencesOf(want.configuration, have.configuration);
        expect(found.length === 0).to.equal(want.hash === have.hash);
        for (const { path, ...sides } of found) {
          if (sides.want !== undefined) expect(at(want.configuration, path)).to.deep.equal(sides.want);
          if (sides.have !== undefined) expect(at(have.configuration, path)).to.deep.equal(sides.have);
        }
        expect(differencesOf(want.configuration, want.configuration)).to.deep.equal([]);
      }),
      { numRuns: 500 },
    );
  });

  it('stops at its limit', () => {
    const have = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`f${index}`, index]));
    expect(differencesOf({}, have, 7)).to.have.length(7);
  });
});
