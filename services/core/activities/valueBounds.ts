import { NotariumError } from '../errors.ts';

/** Most values of a body, with whatever a request has beside it: objects, lists, texts, numbers, `true`, `false` and `null`; names are none. */
export const maxBodyValues = 200_000;
/** Most values of a parcel: a body as large as may be, and the longest head and list of attachments. */
export const maxParcelValues = 262_144;
/** Most values of a disclosure: those of a parcel, and of the longest receipt. */
export const maxDisclosureValues = maxParcelValues + 8_192;

/**
 * Refuses JSON with too many values before anything is made of it: to read a value costs a microsecond or two, so as many as fit into some
 * megabytes would keep all others waiting for seconds.
 * @throws NotariumError `activity-body-invalid`.
 */
export function checkValues(text: string, most: number): void {
  // Each value has two characters at least: itself and what divides it from the next one, or both brackets.
  if (text.length / 2 + 1 > most) countValues(text, most);
}

/**
 * How many values JSON has; it ends at the first one that is too many.
 * @throws NotariumError `activity-body-invalid`.
 */
export function countValues(text: string, most: number): number {
  let count = 1;
  for (let at = 0; at < text.length && count <= most; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) at = endOfString(text, at);
    else if (code === comma || ((code === list || code === object) && !isEmpty(text, at))) count++;
  }
  if (count <= most) return count;
  throw new NotariumError('activity-body-invalid', 'it has too many values', { data: { want: most } });
}

const quote = 0x22;
const comma = 0x2c;
const list = 0x5b;
const object = 0x7b;
const backslash = 0x5c;

/** Place of the quote that ends a string, or the end of the text. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === backslash) escapes++;
    if (escapes % 2 === 0) return end;
  }
  return text.length;
}

function isEmpty(text: string, start: number): boolean {
  const end = text.charCodeAt(start) + 2;
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return code === end;
  }
  return false;
}
