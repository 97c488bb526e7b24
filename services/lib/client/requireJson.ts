import { NotariumError } from '../../core/errors.ts';

const maxDepth = 1_000;

/**
 * That a value is what JSON makes of it: else something would be notarised that nobody has said. Members that are undefined are none, as
 * for `JSON.stringify`.
 * @param where What the value is, for the error.
 * @throws NotariumError `activity-body-invalid`, naming the place: a number that is not finite, a bigint, a function, a Date or other object
 *   of a class, a text that is no Unicode, a list with holes, what is nested too deep or in itself.
 */
export function requireJson(value: unknown, where = 'body', depth = 0): void {
  const refuse = (what: string): never => {
    throw new NotariumError('activity-body-invalid', `${where.slice(0, 200)}: ${what} is no JSON`);
  };
  if (depth > maxDepth) refuse('what is nested so deep');
  switch (typeof value) {
    case 'boolean':
      return;
    case 'number':
      if (!Number.isFinite(value)) refuse(String(value));
      return;
    case 'string':
      if (!value.isWellFormed()) refuse('a text with half a character');
      return;
    case 'object':
      if (value !== null) requireMembers(value, where, depth, refuse);
      return;
    default:
      refuse(value === undefined ? 'undefined' : `a ${typeof value}`);
  }
}

function requireMembers(value: object, where: string, depth: number, refuse: (what: string) => never): void {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) requireJson(item, `${where}[${index}]`, depth + 1);
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) refuse(`a ${value.constructor?.name || 'special object'}`);
  for (const [name, member] of Object.entries(value))
    if (member !== undefined) requireJson(member, `${where}.${name}`, depth + 1);
}
