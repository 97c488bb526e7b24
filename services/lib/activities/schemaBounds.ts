import { NotariumError } from '../../core/errors.ts';

/** Largest JSON Schema, as canonical JSON. */
export const maxSchemaBytes = 64 * 1024;
/** Most schemas within one. */
const maxSubschemas = 2048;
/** Deepest nesting of schemas. */
const maxDepth = 32;

/** Keyword that is added to every schema within a schema: what checking it once costs. */
export const costKeyword = 'notariumCost';

/** Keywords whose values are data, or names. */
export const dataKeywords: ReadonlySet<string> = new Set([
  'const',
  'enum',
  'default',
  'examples',
  'required',
  'dependentRequired',
  '$vocabulary',
]);
/** Keywords with a schema for each name. */
export const mapKeywords: ReadonlySet<string> = new Set([
  'properties',
  'patternProperties',
  'dependentSchemas',
  '$defs',
  'definitions',
]);

/**
 * Copies a schema; everything in the copy that is checked by itself says what that costs. So the work of a validation can be counted,
 * also where references multiply it.
 * @throws NotariumError `activity-schema-invalid` when it is too deep, has too many parts, or is asynchronous.
 */
export function withCosts(schema: Readonly<Record<string, unknown>>): Record<string, unknown> {
  let count = 0;
  const fail = (detail: string): NotariumError => new NotariumError('activity-schema-invalid', detail);

  function value(of: unknown, depth: number): unknown {
    if (Array.isArray(of)) return of.map((item) => value(item, depth));
    return isObject(of) ? one(of, depth + 1) : of;
  }

  function one(of: Readonly<Record<string, unknown>>, depth: number): Record<string, unknown> {
    if (depth > maxDepth) throw fail(`it is nested deeper than ${maxDepth}`);
    if (++count > maxSubschemas) throw fail(`it consists of more than ${maxSubschemas} schemas`);
    let cost = 1;
    const copy = Object.entries(of).map(([keyword, content]): [string, unknown] => {
      if (keyword === '$async' || keyword === costKeyword) throw fail(`${keyword} is not taken`);
      if (dataKeywords.has(keyword) || !isContainer(content)) {
        cost += size(content);
        return [keyword, content];
      }
      if (!mapKeywords.has(keyword) || !isObject(content)) return [keyword, value(content, depth)];
      // Ajv passes over it in silence.
      if (Object.hasOwn(content, '__proto__')) throw fail('it names __proto__');
      cost += Object.keys(content).length;
      return [keyword, fromEntries(Object.entries(content).map(([name, each]) => [name, value(each, depth)]))];
    });
    return fromEntries([...copy, [costKeyword, cost]]);
  }

  return one(schema, 1);
}

/** How many values there are in one. */
export function size(value: unknown): number {
  if (!isContainer(value)) return 1;
  return Object.values(value).reduce<number>((sum, each) => sum + size(each), 1);
}

/** `__proto__` is an ordinary name. */
function fromEntries(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  return Object.fromEntries(entries);
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Whether it is an object with members. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return isContainer(value) && !Array.isArray(value);
}
