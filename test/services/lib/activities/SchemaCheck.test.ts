import { expect } from 'chai';
import { SchemaCheck } from '../../../../services/lib/activities/SchemaCheck.ts';
import { expectCode } from '../../../support/expectCode.ts';

type Schema = Parameters<SchemaCheck['checkBody']>[0];

const purchase: Schema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'https://example.com/purchase',
  type: 'object',
  required: ['order', 'items'],
  properties: {
    order: { type: 'string', pattern: '^PO-[0-9]{4,}$' },
    items: { type: 'array', minItems: 1, uniqueItems: true, items: { $ref: '#/$defs/item' } },
    tags: { prefixItems: [{ type: 'string' }], items: false },
    'a/b~c': { type: 'boolean' },
  },
  additionalProperties: false,
  $defs: {
    item: {
      type: 'object',
      required: ['sku', 'quantity'],
      properties: { sku: { type: 'string' }, quantity: { type: 'integer', minimum: 1 } },
      unevaluatedProperties: false,
    },
  },
};
const good = { order: 'PO-2026', items: [{ sku: 'a', quantity: 1 }] };

describe('bodies and their JSON Schema', () => {
  const check = new SchemaCheck();
  const bodyFails = (schema: Schema, body: unknown) =>
    expectCode('activity-body-invalid', () => check.checkBody(schema, body));
  const schemaFails = (schema: Schema) => expectCode('activity-schema-invalid', () => check.checkBody(schema, null));

  it('takes what the schema asks for', () => {
    check.checkBody(purchase, good);
    check.checkBody(purchase, { ...good, tags: ['x'], 'a/b~c': true });
    check.checkBody({}, null);
  });

  it('names the places of the first problems', async () => {
    const cases: [unknown, string][] = [
      [{ ...good, order: 'PO-1' }, '/order'],
      [
        {
          ...good,
          items: [
            { sku: 'a', quantity: 1 },
            { sku: 'b', quantity: 0 },
          ],
        },
        '/items/1/quantity',
      ],
      [{ ...good, items: [{ sku: 'a', quantity: 1, colour: 'red' }] }, '/items/0/colour'],
      [
        {
          ...good,
          items: [
            { sku: 'a', quantity: 1 },
            { quantity: 1, sku: 'a' },
          ],
        },
        '/items',
      ],
      [{ ...good, extra: 1 }, '/extra'],
      [{ ...good, tags: ['a', 'b'] }, '/tags'],
      [{ ...good, 'a/b~c': 'yes' }, '/a~1b~0c'],
      [[], ''],
    ];
    for (const [body, path] of cases) {
      const { data } = await bodyFails(purchase, body);
      expect((data.problems as { path: string }[])[0]?.path, JSON.stringify(data)).to.equal(path);
    }
    const many = { anyOf: Array.from({ length: 50 }, (_, index) => ({ const: index, type: ['integer', 'string'] })) };
    const { data } = await bodyFails({ properties: { x: many } }, { x: true });
    expect(data.problems).to.have.lengthOf.within(1, 8);
  });

  it('does not take what is inherited for a property', async () => {
    await bodyFails({ required: ['toString'] }, {});
    check.checkBody({ type: 'object', required: ['__proto__'] }, JSON.parse('{"__proto__": 1}'));
    await schemaFails({ properties: JSON.parse('{"__proto__": {"type": "string"}}') });
  });

  it('keeps schemas apart, whatever names they give themselves', async () => {
    const named = (type: string): Schema => ({
      $id: 'https://example.com/same',
      $defs: { x: { $anchor: 'x', type } },
      $ref: '#x',
    });
    check.checkBody(named('string'), 'text');
    check.checkBody(named('integer'), 1);
    await bodyFails(named('string'), 1);
    await schemaFails({ $ref: 'https://example.com/same' });
  });

  it('refuses schemas that are none, too large, remote or asynchronous', async () => {
    await schemaFails({ type: 'nonsense' });
    await schemaFails({ type: 'object', requierd: ['a'] });
    await schemaFails({ properties: { a: { minimum: '1' } } });
    await schemaFails({ $ref: 'https://json-schema.org/draft/2020-12/schema' });
    await schemaFails({ $ref: 'http://127.0.0.1:1/schema.json' });
    await schemaFails({ $schema: 'http://json-schema.org/draft-07/schema#' });
    await schemaFails({ $ref: '#/$defs/missing' });
    await schemaFails({ $async: true, type: 'object' });
    await schemaFails({ properties: { a: { $async: true } } });
    await schemaFails({ notariumCost: 0 });
    await schemaFails({ enum: Array.from({ length: 20_000 }, (_, index) => `${index}`) });
    await schemaFails({ allOf: Array.from({ length: 5000 }, () => ({})) });
    await schemaFails(Array.from({ length: 40 }).reduce<Schema>((inner) => ({ not: inner }), {}));
    await schemaFails({ pattern: '(a)\\1' });
    await schemaFails({ allOf: Array.from({ length: 50 }, () => ({ pattern: 'a{1900}' })) });
    await schemaFails({ patternProperties: { '(?=a)': {} } });
  });

  it('reads keywords of schemas as data where they are data', () => {
    check.checkBody({ enum: [{ $async: true, type: 'nonsense' }] }, { $async: true, type: 'nonsense' });
    check.checkBody({ const: { properties: { a: 1 } } }, { properties: { a: 1 } });
    check.checkBody({ properties: { enum: { type: 'string' }, const: { type: 'string' } } }, { enum: 'a', const: 'b' });
  });

  describe('ends', () => {
    it('with patterns and texts that make a back-tracking engine go on for years', async () => {
      const evil = `${'a'.repeat(100_000)}!`;
      await bodyFails({ pattern: '^(a+)+$' }, evil);
      await bodyFails({ patternProperties: { '^(a|a)*$': true }, additionalProperties: false }, { [evil]: 1 });
      await bodyFails({ propertyNames: { pattern: '^(a|aa)+$' } }, { [evil]: 1 });
    });

    it('where references multiply the work, with a refusal', async () => {
      const $defs: Record<string, Schema> = { d0: { type: 'string' } };
      for (let level = 1; level <= 40; level++) {
        const $ref = `#/$defs/d${level - 1}`;
        $defs[`d${level}`] = { allOf: [{ $ref }, { $ref }] };
      }
      await bodyFails({ $ref: '#/$defs/d40', $defs } as Schema, 'text');
      const nested = Array.from({ length: 30 }).reduce<unknown>((inner) => ({ x: inner }), 'leaf');
      const twice: Schema = { allOf: [{ properties: { x: { $ref: '#' } } }, { properties: { x: { $ref: '#' } } }] };
      await bodyFails(twice, nested);
    });

    it('where wide bodies meet many keywords', async () => {
      const wide = Object.fromEntries(Array.from({ length: 200_000 }, (_, index) => [`k${index}`, 0]));
      await bodyFails({ allOf: Array.from({ length: 600 }, () => ({ maxProperties: 1e6 })) }, wide);
      await bodyFails({ allOf: Array.from({ length: 600 }, () => ({ minLength: 1 })) }, 'x'.repeat(4 << 20));
      const unique: Schema = { type: 'array', uniqueItems: true };
      check.checkBody(
        unique,
        Array.from({ length: 100_000 }, (_, index) => ({ index })),
      );
      await bodyFails(
        { allOf: Array.from({ length: 600 }, () => unique) },
        Array.from({ length: 100_000 }, (_, index) => [index]),
      );
    });

    it('with four megabytes of honest body, well', () => {
      const items = Array.from({ length: 100_000 }, (_, index) => ({ sku: `article ${index}`, quantity: 1 + index }));
      check.checkBody(purchase, { order: 'PO-2026', items });
    });
  });

  it('keeps as many compiled schemas as it was told', () => {
    const small = new SchemaCheck({ keep: 2 });
    for (let index = 0; index < 5; index++) small.checkBody({ const: index }, index);
    small.checkBody({ const: 0 }, 0);
  });
});
