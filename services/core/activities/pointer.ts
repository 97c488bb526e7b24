import { NotariumError } from '../errors.ts';

/** The way to a value in a body: names, and numbers of items as text. */
export type Path = readonly string[];

/** The path as JSON Pointer (RFC 6901). */
export function pointerOf(path: Path): string {
  return path.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/**
 * Reads a JSON Pointer (`/items/0/price`) or a dotted path (`items.0.price`).
 * @throws NotariumError `activity-field-unknown` for a pointer of bad form.
 */
export function readPath(text: string): Path {
  if (text === '') return [];
  if (!text.startsWith('/')) return text.split('.');
  if (/~(?![01])/.test(text)) throw new NotariumError('activity-field-unknown', text.slice(0, 256));
  return text
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** Whether one is the other one, or leads to it. */
export function leadsTo(from: Path, to: Path): boolean {
  return from.length <= to.length && from.every((step, index) => step === to[index]);
}
