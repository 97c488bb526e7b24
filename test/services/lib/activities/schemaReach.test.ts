import { expect } from 'chai';
import fc from 'fast-check';
import { isNotariumError } from '../../../../services/core/errors.ts';
import { SchemaCheck } from '../../../../services/lib/activities/SchemaCheck.ts';
import { expectCode } from '../../../support/expectCode.ts';

type Schema = Parameters<SchemaCheck['checkBody']>[0];

/** What becomes of a body: its code, and what is said of it. */
function outcomeOf(schema: Schema, body: unknown): string {
  try {
    new SchemaCheck().checkBody(schema, body);
    return 'taken';
  } catch (error) {
    if (!isNotariumError(error)) throw error;
    return `${error.code} ${error.detail}`;
  }
}

/** Calls with less of the stack left, about 100 bytes for each. */
function deeper<T>(count: number, work: () => T): T {
  return count === 0 ? work() : deeper(count - 1, work);
}

const nested = (depth: number, inner: unknown = 'leaf'): unknown =>
  Array.from({ length: depth }).reduce<unknown>((value) => ({ x: value }), inner);

// Not written as `then`: an object with that name is taken for a promise.
const ifThen = (asked: Schema, then: Schema): Schema =>
  Object.fromEntries([
    ['if', asked],
    ['then', then],
  ]);

/** Ways around a reference: some lead into the body, some do not. */
const wraps: readonly ((inner: Schema) => Schema)[] = [
  (inner) => ({ allOf: [inner] }),
  (inner) => ({ anyOf: [inner, { type: 'null' }] }),
  (inner) => ({ oneOf: [inner, { const: 'nothing' }] }),
  (inner) => ({ not: { not: inner } }),
  (inner) => ifThen({ type: 'object' }, inner),
  (inner) => ({ dependentSchemas: { x: inner } }),
  (inner) => ({ properties: { x: inner } }),
  (inner) => ({ patternProperties: { '^x': inner } }),
  (inner) => ({ additionalProperties: inner }),
  (inner) => ({ unevaluatedProperties: inner }),
  (inner) => ({ items: inner, prefixItems: [inner] }),
];
const fillings: readonly Schema[] = [
  { type: ['object', 'string'] },
  { properties: { a: { type: 'string', minLength: 3, pattern: 'a' } } },
  { anyOf: [{ type: 'object' }, { type: 'string' }] },
  ifThen({ required: ['y'] }, { minProperties: 2 }),
  { patternProperties: { '^a': { type: 'string' }, '^b': { enum: [1, 2, 3] } }, additionalProperties: true },
];

type Shape = {
  readonly count: number;
  readonly wrapped: readonly number[];
  readonly wide: number;
  readonly filling: number;
  readonly backTo: number | undefined;
  readonly depth: number;
};

/** A chain of references, the last one perhaps back into it. */
function schemaOf({ count, wrapped, wide, filling, backTo }: Shape): Schema {
  const wrap = (inner: Schema) => wrapped.reduce((whole, which) => wraps[which]!(whole), inner);
  const $defs = Object.fromEntries(
    Array.from({ length: count }, (_, index) => {
      const to = index + 1 < count ? index + 1 : backTo;
      const all = Array.from({ length: wide }, () => fillings[filling]!);
      const next = to === undefined ? {} : wrap({ $ref: `#/$defs/d${to % count}` });
      return [`d${index}`, { allOf: [...all, next] }];
    }),
  );
  return { $ref: '#/$defs/d0', $defs };
}

describe('how far references of a schema lead', () => {
  const check = new SchemaCheck();
  const schemaFails = (schema: Schema) => expectCode('activity-schema-invalid', () => check.checkBody(schema, {}));

  it('is bounded by the schema alone, whatever is left of the stack', () => {
    const shapes = fc.record({
      count: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 300 })),
      wrapped: fc.array(fc.nat(wraps.length - 1), { maxLength: 6 }),
      wide: fc.oneof(fc.nat(4), fc.nat(60)),
      filling: fc.nat(fillings.length - 1),
      backTo: fc.option(fc.nat(300), { nil: undefined }),
      depth: fc.nat(40),
    });
    const outcomes = new Set<string>();
    fc.assert(
      fc.property(shapes, (shape) => {
        const schema = schemaOf(shape);
        const body = nested(shape.depth);
        const outcome = outcomeOf(schema, body);
        outcomes.add(outcome.split(' ', 1)[0]!);
        expect(deeper(800, () => outcomeOf(schema, body))).to.equal(outcome);
      }),
      { numRuns: 60 },
    );
    expect([...outcomes]).to.include.members(['taken', 'activity-schema-invalid']);
  });

  it('is refused where it would fill a stack', async () => {
    const chain = (count: number, depth: number): Schema => {
      const wrapped = Array.from({ length: depth }, () => 7);
      return schemaOf({ count, wrapped, wide: 0, filling: 0, backTo: undefined, depth: 0 });
    };
    check.checkBody(chain(80, 0), {});
    check.checkBody(chain(30, 4), nested(40));
    for (const [count, depth] of [
      [200, 0],
      [800, 0],
      [60, 4],
    ] as const)
      await schemaFails(chain(count, depth));
    // One that calls itself for each level of a body, and is large.
    const wide = (count: number): Schema => ({
      properties: Object.fromEntries(
        Array.from({ length: count }, (_, index) => [
          index ? `p${index}` : 'x',
          index ? { minimum: 1 } : { $ref: '#' },
        ]),
      ),
    });
    check.checkBody(wide(60), nested(40));
    await schemaFails(wide(300));
    // One that is checked in one piece.
    await schemaFails({ allOf: Array.from({ length: 640 }, () => ({})) });
    check.checkBody({ allOf: Array.from({ length: 639 }, () => ({})) }, nested(40));
  });

  it('is refused where it goes in a circle for the same value', async () => {
    await schemaFails({ $ref: '#' });
    await schemaFails({
      allOf: [{ $ref: '#/$defs/a' }],
      $defs: { a: { not: { $ref: '#/$defs/b' } }, b: { $ref: '#' } },
    });
    await schemaFails({ $dynamicAnchor: 'node', allOf: [{ $dynamicRef: '#node' }] });
    await schemaFails({ $id: 'https://example.com/a', not: { $ref: 'https://example.com/a' } });
    await schemaFails({ $defs: { 'a/b~ %': { $anchor: 'c', anyOf: [{ $ref: '#/$defs/a~1b~0%20%25' }] } }, $ref: '#c' });
    await schemaFails({ $defs: { a: { $id: 'inner', $defs: { b: { $ref: '#/$defs/b' } } } }, $ref: 'inner#/$defs/b' });
  });

  it('is no matter for trees, lists and texts that look like references', () => {
    const tree: Schema = {
      type: 'object',
      properties: { x: { $ref: '#' }, children: { type: 'array', items: { $ref: '#/$defs/child' } } },
      $defs: { child: { $dynamicAnchor: 'child', properties: { of: { $ref: '#' }, next: { $dynamicRef: '#child' } } } },
    };
    check.checkBody(tree, nested(40, {}));
    check.checkBody(tree, { children: [{ next: { next: { of: { x: {} } } } }] });
    check.checkBody({ const: { $ref: '#' } }, { $ref: '#' });
    check.checkBody({ properties: { $ref: { type: 'string' } } }, { $ref: '#' });
  });
});
