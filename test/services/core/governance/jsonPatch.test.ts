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
  [
    'a move to behind the end of its own list',
    { a: [1, 2] },
    [{ op: 'move', from: '/a/0', path: '/a/2' }],
    { a: [2, 1] },
  ],
  ['a move over something', { a: 1, b: { c: 2 } }, [{ op: 'move', from: '/a', path: '/b' }], { b: 1 }],
  ['a move to the end', { a: [1, 2] }, [{ op: 'move', from: '/a/0', path: '/a/-' }], { a: [2, 1] }],
  ['a move to where it is', { a: [1, 2] }, [{ op: 'move', from: '/a/0', path: '/a/0' }], { a: [1, 2] }],
  ['a part as the whole', { a: { b: 1 } }, [{ op: 'move', from: '/a', path: '' }], { b: 1 }],
  ['a copy as the whole', { a: { b: 1 } }, [{ op: 'copy', from: '/a', path: '' }], { b: 1 }],
  ['the whole document', { a: 1 }, [{ op: 'replace', path: '', value: { b: 2 } }], { b: 2 }],
];

const failing: readonly (readonly [string, Json, unknown])[] = [
  ['A.9: a test that fails', { baz: 'qux' }, { op: 'test', path: '/baz', value: 'bar' }],
  ['A.12: no such parent', { foo: 'bar' }, { op: 'add', path: '/baz/bat', value: 'qux' }],
  ['A.15: text is no number', { '/': 9, '~1': 10 }, { op: 'test', path: '/~01', value: '10' }],
  ['an index beyond the end', { a: [1] }, { op: 'add', path: '/a/3', value: 1 }],
  ['an index with a leading zero', { a: [1, 2] }, { op: 'replace', path: '/a/01', value: 9 }],
  ['an index with a leading zero to add at', { a: [1, 2] }, { op: 'add', path: '/a/01', value: 9 }],
  ['the length of a list', { a: [1, 2] }, { op: 'copy', from: '/a/length', path: '/b' }],
  ['the length of a list to move', { a: [1, 2] }, { op: 'move', from: '/a/length', path: '/b' }],
  ['the length of a text', { a: 'mast' }, { op: 'copy', from: '/a/length', path: '/b' }],
  ['nothing to copy', { a: [1] }, { op: 'copy', from: '/a/1', path: '' }],
  ['nothing under nothing to move', { a: null }, { op: 'move', from: '/a/b', path: '/c' }],
  ['an index that is none', { a: [1, 2] }, { op: 'replace', path: '/a/1e0', value: 9 }],
  ['nothing behind the end to remove', { a: [1] }, { op: 'remove', path: '/a/-' }],
  ['nothing to remove', { a: 1 }, { op: 'remove', path: '/b' }],
  ['nothing to replace', { a: 1 }, { op: 'replace', path: '/b', value: 1 }],
  ['all of it into itself', { a: [1] }, { op: 'move', from: '', path: '/a/0' }],
  ['into what moves away below it', { a: [0, { b: 1 }] }, { op: 'move', from: '/a/0', path: '/a/1/b' }],
  ['over a text', { a: 1, b: 'mast' }, { op: 'move', from: '/a', path: '/b/c' }],
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

  it('refuses copies of copies before they fill the memory', async () => {
    const copies = Array.from({ length: 60 }, () => ({ op: 'copy', from: '/a', path: '/a/0' }));
    const patch = patchOf({ op: 'add', path: '/a', value: ['x'] }, ...copies);
    const error = await expectCode('patch-failed', () => applyPatch({}, patch));
    expect(error.data.reason).to.equal('TOO_MUCH_COPIED');
    expect(error.data.operation).to.be.lessThan(25);
  });

  it('copies no large document for a small operation', () => {
    // The library clones by way of text.
    let reads = 0;
    const stringify = JSON.stringify;
    const large = { list: [{ text: 'x'.repeat(1_000) }, 1], a: 1 };
    JSON.stringify = ((...args: Parameters<typeof stringify>) => {
      const text = stringify(...args);
      reads += text?.length ?? 0;
      return text;
    }) as typeof stringify;
    try {
      const small = [
        { op: 'copy', from: '/a', path: '/b' },
        { op: 'move', from: '/b', path: '/c' },
        { op: 'move', from: '/list/1', path: '/list/0' },
        { op: 'move', from: '/list/0', path: '/list/1' },
      ];
      expect(applyPatch(large, patchOf(...small))).to.deep.equal({ ...large, c: 1 });
    } finally {
      JSON.stringify = stringify;
    }
    expect(reads).to.be.lessThan(100);
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
