import { NotariumError } from '../../core/errors.ts';
import { SchemaCheck } from '../../lib/activities/SchemaCheck.ts';
import type { NativeCrypto } from '../../lib/nativeCrypto.ts';
import type { BodyTools } from './ActivityHost.ts';

/** Bodies by JSON Schema, and as they are. */
export function bodyTools({ sha256 }: Pick<NativeCrypto, 'sha256'>): BodyTools {
  const schemas = new SchemaCheck({ sha256 });
  return {
    checkBody: (schema, body) => schemas.checkBody(schema, body),
    async read(body) {
      if ('body' in body) return body.body;
      throw new NotariumError('activity-body-invalid', 'it is one field by field');
    },
  };
}
