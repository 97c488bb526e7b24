import { NotariumError } from '../../core/errors.ts';
import { dataKeywords, isObject, mapKeywords } from './schemaBounds.ts';

type Schema = Readonly<Record<string, unknown>>;

/**
 * Deepest nesting of a body: no message has a deeper one. A schema with references is checked function by function, each of which
 * calls the ones that it refers to, so this bounds how deep they call one another.
 */
const maxBodyDepth = 42;
/** Most schemas that are referred to. */
const maxTargets = 512;
/*
 * A stack has 984 KB. Measured with Node 24: a function that checks takes some 40 bytes of it for each of its schemas and keywords, and 8 times
 * that for itself; the engine, which reads a function when it is first called, 710 bytes for each of its schemas; and Ajv 2,000 bytes for each
 * schema that it compiles within another one. The bounds leave 100 KB and more to who calls.
 */
const maxCallWeight = 8_192;
const callWeight = 8;
const maxSchemasOfOne = 640;
const maxCompileDepth = 192;

/** Keywords whose schemas are for what is within a value; those of all others are for the value itself. */
const inwardKeywords = new Set([
  ...['properties', 'patternProperties', 'additionalProperties', 'unevaluatedProperties', 'propertyNames'],
  ...['items', 'prefixItems', 'unevaluatedItems', 'contains'],
]);
/** Schemas that are checked only where something refers to them. */
const heldKeywords = new Set(['$defs', 'definitions']);
const referenceKeywords = new Set(['$ref', '$dynamicRef']);

/** A call from one schema to another one, so many levels further in the value. */
type Call = { readonly to: Schema; readonly inward: number };

/** A schema that is compiled to a function: the whole one, and whatever is referred to. */
type Compiled = { readonly calls: readonly Call[]; readonly weight: number; readonly compileDepth: number };

/** What a reference may mean. */
type TargetsOf = (reference: string) => readonly Schema[];

/**
 * Refuses schemas whose references go so deep that it would depend on the stack of a machine whether a body can be checked: all members of
 * an activity have to decide alike. What is bounded is the schema, not the body: every body of a message can then be checked.
 * @throws NotariumError `activity-schema-invalid`.
 */
export function checkReach(schema: Schema): void {
  const targetsOf = targetsIn(schema);
  const compiled = new Map<Schema, Compiled>();
  const found: Schema[] = [schema];
  for (let next = found.pop(); next; next = found.pop()) {
    if (compiled.has(next)) continue;
    if (compiled.size > maxTargets) throw fail(`it refers to more than ${maxTargets} schemas`);
    const one = compiledOf(next, targetsOf);
    compiled.set(next, one);
    found.push(...one.calls.map(({ to }) => to));
  }
  const nested = [...compiled.values()].filter(({ calls }) => calls.length > 0);
  if (nested.reduce((sum, { compileDepth }) => sum + compileDepth, 0) > maxCompileDepth)
    throw fail('too many of its schemas refer to others');
  if (heaviest(compiled) > maxCallWeight) throw fail('its references go too deep');
}

function fail(detail: string): NotariumError {
  return new NotariumError('activity-schema-invalid', detail);
}

/** What is compiled as one piece with a schema, up to its references. */
function compiledOf(schema: Schema, targetsOf: TargetsOf): Compiled {
  const calls: Call[] = [];
  let weight = callWeight;
  let compileDepth = 1;
  let schemas = 0;
  const walk = (value: unknown, depth: number, inward: number): void => {
    if (Array.isArray(value)) for (const item of value) walk(item, depth, inward);
    if (!isObject(value)) return;
    schemas++;
    weight += 1 + Object.keys(value).length;
    for (const [keyword, content] of Object.entries(value)) {
      if (keyword === 'dependentRequired' && isObject(content)) schemas += Object.keys(content).length;
      if (heldKeywords.has(keyword) || dataKeywords.has(keyword)) continue;
      if (referenceKeywords.has(keyword) && typeof content === 'string') {
        calls.push(...targetsOf(content).map((to) => ({ to, inward })));
        compileDepth = Math.max(compileDepth, depth);
        continue;
      }
      const further = inwardKeywords.has(keyword) ? inward + 1 : inward;
      const inner = mapKeywords.has(keyword) && isObject(content) ? Object.values(content) : content;
      walk(inner, depth + 1, further);
    }
  };
  walk(schema, 1, 0);
  if (schemas > maxSchemasOfOne)
    throw fail(`it has more than ${maxSchemasOfOne} schemas in one piece: put some of them into $defs`);
  return { calls, weight, compileDepth };
}

/** Most weight of functions that can call one another while a body is checked. */
function heaviest(compiled: ReadonlyMap<Schema, Compiled>): number {
  const order = callersLast(compiled);
  /** By the levels that a value may still have. */
  const byDepth: Map<Schema, number>[] = [];
  for (let depth = 0; depth <= maxBodyDepth; depth++) {
    const here = new Map<Schema, number>();
    byDepth.push(here);
    for (const schema of order) {
      const { calls, weight } = compiled.get(schema)!;
      let most = 0;
      for (const { to, inward } of calls) if (inward <= depth) most = Math.max(most, byDepth[depth - inward]!.get(to)!);
      here.set(schema, weight + most);
    }
  }
  return Math.max(...byDepth.at(-1)!.values());
}

/** What is called for the same value comes before its callers. @throws NotariumError `activity-schema-invalid` where that goes in a circle. */
function callersLast(compiled: ReadonlyMap<Schema, Compiled>): Schema[] {
  const callers = new Map<Schema, Schema[]>();
  const left = new Map<Schema, number>();
  for (const [schema, { calls }] of compiled) {
    const here = calls.filter(({ inward }) => inward === 0);
    left.set(schema, here.length);
    for (const { to } of here) callers.set(to, [...(callers.get(to) ?? []), schema]);
  }
  const order = [...compiled.keys()].filter((schema) => left.get(schema) === 0);
  for (const schema of order) {
    for (const caller of callers.get(schema) ?? []) {
      const count = left.get(caller)! - 1;
      left.set(caller, count);
      if (count === 0) order.push(caller);
    }
  }
  if (order.length < compiled.size) throw fail('it refers to itself without going further into the body');
  return order;
}

/**
 * What a reference may mean. A schema can have parts with names of their own, to which references are relative: each of them is taken into
 * account, so it may be more than is meant, and never less.
 */
function targetsIn(whole: Schema): TargetsOf {
  const resources = [whole];
  const anchors = new Map<string, Schema[]>();
  const gather = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) gather(item);
    if (!isObject(value)) return;
    const { $id, $anchor, $dynamicAnchor } = value;
    if (typeof $id === 'string' && value !== whole) resources.push(value);
    for (const name of [$anchor, $dynamicAnchor])
      if (typeof name === 'string') anchors.set(name, [...(anchors.get(name) ?? []), value]);
    for (const inner of Object.values(value)) gather(inner);
  };
  gather(whole);
  const known = new Map<string, readonly Schema[]>();
  const find = (place: string): readonly Schema[] => {
    if (place !== '' && !place.startsWith('/')) return anchors.get(place) ?? [];
    return resources.map((resource) => at(resource, place)).filter((target) => target !== undefined);
  };
  return (reference) => {
    const place = placeOf(reference);
    const targets = known.get(place) ?? find(place);
    known.set(place, targets);
    return targets;
  };
}

/** The fragment of a reference. */
function placeOf(reference: string): string {
  const [, fragment = ''] = reference.split('#', 2);
  try {
    return decodeURIComponent(fragment);
  } catch {
    // Nothing has that name, and no part of a schema is there.
    return fragment;
  }
}

/** What is at a JSON Pointer (RFC 6901). */
function at(schema: Schema, pointer: string): Schema | undefined {
  let value: unknown = schema;
  for (const step of pointer.split('/').slice(1)) {
    if (typeof value !== 'object' || value === null) return undefined;
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    value = Object.hasOwn(value, name) ? (value as Schema)[name] : undefined;
  }
  return isObject(value) ? value : undefined;
}
