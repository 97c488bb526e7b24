import { maxConfigurationBytes } from '../../../core/governance/configuration.ts';
import type { Json } from '../../../core/governance/json.ts';
import { parseStrictJson } from '../../../core/strictJson.ts';

/** Most bytes that an adapter reads: a configuration with room for white space. */
export const maxActualBytes = 2 * maxConfigurationBytes;

/**
 * Reads what a resource says it has: any JSON value, with one reading only.
 * @throws NotariumError the `json-…` codes, `text-not-utf8`.
 */
export function actualJson(bytes: Uint8Array): Json {
  return parseStrictJson(bytes, { maxSize: maxActualBytes, maxDepth: 64 }) as Json;
}
