import { fromUtf8 } from '../core/bytes.ts';

/** What a JSON text says, or its UTF-8; undefined for anything else. */
export function jsonOrUndefined(text: string | Uint8Array): unknown {
  try {
    return JSON.parse(typeof text === 'string' ? text : fromUtf8(text));
  } catch {
    return undefined;
  }
}
