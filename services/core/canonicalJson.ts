import canonicalize from 'canonicalize';
import { utf8 } from './bytes.ts';

// Deeper than anything that is written here often.
const usualDepth = 64;

/**
 * Canonical JSON text of a value by RFC 8785. The value must come from {@link parseStrictJson} or a schema: only plain
 * JSON, no undefined.
 * @throws TypeError when the value has no JSON form.
 */
export function canonicalText(value: unknown): string {
  const inOrder = ordered(value, usualDepth);
  // For numbers and strings both have the same rules, and this one is several times as fast.
  if (inOrder !== undefined) return JSON.stringify(inOrder);
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('the value has no JSON form');
  return text;
}

/** UTF-8 bytes of {@link canonicalText}. */
export function canonicalBytes(value: unknown): Uint8Array {
  return utf8(canonicalText(value));
}

/**
 * A value of plain JSON with the members of every object in the order of RFC 8785: itself, where they are so already. undefined for what
 * is no such value, is nested deeper than that, or cannot be ordered, since JavaScript puts names that are numbers first.
 */
function ordered(value: unknown, maxDepth: number): unknown {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? value : undefined;
    case 'number':
      return Number.isFinite(value) ? value : undefined;
    case 'boolean':
      return value;
    case 'object':
      if (value === null) return null;
      if (maxDepth === 0) return undefined;
      return Array.isArray(value) ? orderedList(value, maxDepth - 1) : orderedObject(value, maxDepth - 1);
    default:
      return undefined;
  }
}

function orderedList(list: readonly unknown[], maxDepth: number): unknown {
  let copy: unknown[] | undefined;
  for (let index = 0; index < list.length; index++) {
    const item = ordered(list[index], maxDepth);
    if (item === undefined) return undefined;
    if (item !== list[index]) copy ??= list.slice(0, index);
    copy?.push(item);
  }
  return copy ?? list;
}

function orderedObject(object: object, maxDepth: number): unknown {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype !== Object.prototype && prototype !== null) return undefined;
  const members = object as Record<string, unknown>;
  const keys = Object.keys(object);
  let isSame = true;
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index]!;
    if (!key.isWellFormed()) return undefined;
    if (index > 0 && keys[index - 1]! >= key) isSame = false;
  }
  if (!isSame) keys.sort();
  const values: unknown[] = [];
  for (const key of keys) {
    const value = ordered(members[key], maxDepth);
    if (value === undefined) return undefined;
    if (value !== members[key]) isSame = false;
    values.push(value);
  }
  if (isSame) return object;
  const copy: Record<string, unknown> = {};
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index]!;
    if (key === '__proto__' || isNumber(key)) return undefined;
    copy[key] = values[index];
  }
  return copy;
}

/** Whether JavaScript may keep the name as that of an element. */
function isNumber(key: string): boolean {
  const code = key.charCodeAt(0);
  return code >= 48 && code <= 57;
}
