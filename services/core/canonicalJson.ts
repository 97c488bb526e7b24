import canonicalize from 'canonicalize';
import { utf8 } from './bytes.ts';

/**
 * Canonical JSON text of a value by RFC 8785. The value must come from {@link parseStrictJson} or a schema: only plain
 * JSON, no undefined.
 * @throws TypeError when the value has no JSON form.
 */
export function canonicalText(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('the value has no JSON form');
  return text;
}

/** UTF-8 bytes of {@link canonicalText}. */
export function canonicalBytes(value: unknown): Uint8Array {
  return utf8(canonicalText(value));
}
