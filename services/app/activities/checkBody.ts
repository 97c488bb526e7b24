import type { ActivityTerms } from '../../core/activities/message.ts';
import type { Parcel } from '../../core/activities/parcel.ts';
import type { Address } from '../../core/bytes.ts';
import type { ActivityParts } from './ActivityParts.ts';

/**
 * Checks the body of a message: that of a version by the schema of its activity, and one in fields, of whatever message, that its sender
 * has signed them for this message: else a member could say in a note, or have notarised, what another one has said elsewhere.
 * @param by Who has brought it here.
 * @param terms of the activity; those of the message itself where it begins one.
 * @throws NotariumError `activity-body-invalid`, `activity-fields-invalid`, `activity-schema-invalid`; as `BodyChecks` where it cannot be checked now.
 */
export async function checkBody(
  { bodies }: Pick<ActivityParts, 'bodies'>,
  by: Address,
  terms: ActivityTerms | undefined,
  message: Pick<Parcel, 'head' | 'body' | 'attachments'>,
): Promise<void> {
  const schema = schemaFor(terms, message.head);
  if (schema !== undefined || !('body' in message.body)) await bodies.check(by, schema, message);
}

function schemaFor(terms: ActivityTerms | undefined, head: Parcel['head']): ActivityTerms['schema'] {
  if (head.type === 'start') return head.terms.schema;
  return head.type === 'update' ? terms?.schema : undefined;
}
