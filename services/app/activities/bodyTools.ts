import { attachmentsDigest } from '../../core/activities/contents.ts';
import { wholeBody } from '../../core/activities/fields.ts';
import { headDigest, shownHead } from '../../core/activities/parcel.ts';
import { SchemaCheck } from '../../lib/activities/SchemaCheck.ts';
import type { NativeCrypto } from '../../lib/nativeCrypto.ts';
import type { BodyTools } from './ActivityHost.ts';

/** Bodies by JSON Schema, and as they are. */
export function bodyTools(crypto: NativeCrypto): BodyTools {
  const schemas = new SchemaCheck({ sha256: crypto.sha256 });
  return {
    checkBody: (schema, body) => schemas.checkBody(schema, body),
    read: async ({ head, body, attachments }) => {
      if (!('sdJwt' in body)) return body.body;
      const place = {
        head: headDigest(shownHead(head, crypto.sha256), crypto.sha256),
        attachments: attachmentsDigest(attachments, crypto.sha256),
      };
      return wholeBody(body, head.sender, { place, crypto });
    },
  };
}
