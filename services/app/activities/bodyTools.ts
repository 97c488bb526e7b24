import { wholeBody } from '../../core/activities/fields.ts';
import { SchemaCheck } from '../../lib/activities/SchemaCheck.ts';
import type { NativeCrypto } from '../../lib/nativeCrypto.ts';
import type { BodyTools } from './ActivityHost.ts';

/** Bodies by JSON Schema, and as they are. */
export function bodyTools(crypto: NativeCrypto): BodyTools {
  const schemas = new SchemaCheck({ sha256: crypto.sha256 });
  return {
    checkBody: (schema, body) => schemas.checkBody(schema, body),
    read: async (body, sender) => wholeBody(body, sender, crypto),
  };
}
