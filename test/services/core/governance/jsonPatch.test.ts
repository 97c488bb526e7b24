import { expect } from 'chai';
import fc from 'fast-check';
import type { Json } from '../../../../services/core/governance/json.ts';
import {
  applyPatch,
  type JsonPatch,
  patchSchema,
  pointerTo,
  tokensOf,
} from '../../../../services/core/governance/jsonPatch.ts';
import { expectCode } from '../../../support/expectCode.ts';

const patchOf = (...operations: unknown[]): JsonPatch => patchSchema.parse(operations);

// RFC 6902, appendix A, by its numbers.
const examples: readonly (readonly [string, Json, readonly unknown[], Json])[] = [
  ['A.1', { foo: 'bar' }, [{ op: 'add', path: '/baz', value: 'qux' }], { baz: 'qux', foo: 'bar' }],
  ['A.2', { foo: ['bar', 'baz'] }, [{ op: 'add', path: '/foo/1', value: 'qux' }], { foo: ['bar', 'qux', 'baz'] }],
  ['A.3', { baz: 'qux', foo: 'bar' }, [{ op: 'remove', path: '/baz' }], { foo: 'bar' }],
  ['A.4', { foo: ['bar', 'qux', 'baz'] }, [{ op: 'remove', path: '/foo/1' }], { foo: ['bar', 'baz'] }],
  ['A.5', { baz: 'qux', foo: 'bar' }, [{ op: 'replace', path: '/baz', value: 'boo' }], { baz: 'boo', foo: 'bar' }],
  [
    'A.6',
    { foo: { bar: 'baz', waldo: 'fred' }, qux: { corge: 'grault' } },
    [{ op: 'move', from: '/foo/waldo', path: '/qux/thud' }],
    { foo: { bar: 'baz' }, qux: { corge: 'grault', thud: 'fred' } },
  ],
  [
    'A.7',
    { foo: ['all', 'grass', 'cows', 'eat'] },
    [{ op: 'move', from: '/foo/1', path: '/foo/3' }],
    { foo: ['all', 'cows', 'eat', 'grass'] },
  ],
  [
    'A.8',
    { baz: 'qux', foo: ['a', 2, 'c'] },
    [
      { op: 'test', path: '/baz', value: 'qux' },
      { op: 'test', path: '/foo/1', value: 2 },
    ],
    { baz: 'qux', foo: ['a', 2, 'c'] },
  ],
  [
    'A.10',
    { foo: 'bar' },
    [{ op: 'add', path: '/child', value: { grandchild: {} } }],
    { foo: 'bar', child: { grandchild: {} } },
  ],
  ['A.14', { '/': 9, '~1': 10 }, [{ op: 'test', path: '/~01', value: 10 }], { '/': 9, '~1': 10 }],
  ['A.16', { foo: ['bar'] }, [{ op: 'add', path: '/foo/-', value: ['abc', 'def'] }], { foo: ['bar', ['abc', 'def']] }],
  ['the whole document', { a: 1 }, [{ op: 'replace', path: '', value: { b: 2 } }], { b: 2 }],
];

const failing: readonly (readonly [string, Json, unknown])[] = [
  ['A.9: a test that fails', { baz: 'qux' }, { op: 'test', path: '/baz', value: 'bar' }],
  ['A.12: no such parent', { foo: 'bar' }, { op: 'add', path: '/baz/bat', value: 'qux' }],
  ['A.15: text is no number', { '/': 9, '~1': 10 }, { op: 'test', path: '/~01', value: '10' }],
  ['an index beyond the end', { a: [1] }, { op: 'add', path: '/a/3', value: 1 }],
  ['an index with a leading zero', { a: [1, 2] }, { op: 'replace', path: '/a/01', value: 9 }],
  ['an index that is none', { a: [1, 2] }, { op: 'replace', path: '/a/1e0', value: 9 }],
  ['nothing behind the end to remove', { a: [1] }, { op: 'remove', path: '/a/-' }],
  ['nothing to remove', { a: 1 }, { op: 'remove', path: '/b' }],
  ['nothing to replace', { a: 1 }, { op: 'replace', path: '/b', value: 1 }],
  ['into itself', { a: { b: 1 } }, { op: 'move', from: '/a', path: '/a/b' }],
];

const malformed: readonly (readonly [string, unknown])[] = [
  ['no operation', []],
  ['an unknown operation', [{ op: 'spam', path: '/a' }]],
  ['a value is missing', [{ op: 'add', path: '/a' }]],
  ['a member that no operation has', [{ op: 'remove', path: '/a', value: 1 }]],
  ['no pointer', [{ op: 'remove', path: 'a' }]],
  ['a wrong escape', [{ op: 'remove', path: '/a~2' }]],
  ['a prototype', [{ op: 'add', path: '/__proto__/polluted', value: 1 }]],
  ['what every object inherits', [{ op: 'replace', path: '/toString', value: 1 }]],
  ['a prototype to copy', [{ op: 'copy', from: '/constructor', path: '/a' }]],
];

describe('jsonPatch', () => {
  for (const [what, document, operations, want] of examples) {
    it(`applies ${what}`, () => {
      const before = JSON.stringify(document);
      expect(applyPatch(document, patchOf(...operations))).to.deep.equal(want);
      expect(JSON.stringify(document)).to.equal(before);
    });
  }

  for (const [what, document, operation] of failing) {
    it(`refuses ${what}, whatever came before, and changes nothing`, async () => {
      const before = JSON.stringify(document);
      const patch = patchOf({ op: 'add', path: '/first', value: true }, operation);
      const { data } = await expectCode('patch-failed', () => applyPatch(document, patch));
      expect(data.operation).to.equal(1);
      expect(JSON.stringify(document)).to.equal(before);
    });
  }

  for (const [what, patch] of malformed) {
    it(`takes no patch with ${what}`, () => {
      expect(patchSchema.safeParse(patch).success).to.equal(false);
    });
  }

  it('takes no copies of copies that would fill the memory of every centre', async () => {
    const doubling = Array.from({ length: 60 }, () => ({ op: 'copy', from: '/a', path: '/a/-' }));
    const error = await expectCode('patch-failed', () => applyPatch({ a: ['x'.repeat(1_000)] }, patchOf(...doubling)));
    expect(error.data.reason).to.equal('COPIES_TOO_LARGE');
    const some = Array.from({ length: 60 }, (_, at) => ({ op: 'copy', from: '/a', path: `/b${at}` }));
    expect(Object.keys(applyPatch({ a: 'x'.repeat(1_000) }, patchOf(...some)) as object)).to.have.length(61);
  });

  it('leaves the patch as it was, and shares nothing with it', () => {
    const patch = patchOf({ op: 'add', path: '/a', value: { b: 1 } }, { op: 'add', path: '/a/c', value: 2 });
    const before = JSON.stringify(patch);
    applyPatch({}, patch);
    expect(JSON.stringify(patch)).to.equal(before);
  });

  it('escapes any name, and reads it back', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (names) => {
        expect(tokensOf(names.reduce(pointerTo, ''))).to.deep.equal(names);
      }),
    );
  });
});
