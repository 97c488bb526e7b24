import type { ActivityTerms } from '../../core/activities/message.ts';
import type { Parcel } from '../../core/activities/parcel.ts';
import type { ActivityHost } from './ActivityHost.ts';

/**
 * Checks the body of a message: that of a version by the schema of its activity, and one in fields, of whatever message, that its sender
 * has signed them for this message: else a member could say in a note, or have notarised, what another one has said elsewhere.
 * @param terms of the activity; those of the message itself where it begins one.
 * @throws NotariumError `activity-body-invalid`, `activity-fields-invalid`, `activity-schema-invalid`.
 */
export async function checkBody(
  { bodies }: Pick<ActivityHost, 'bodies'>,
  terms: ActivityTerms | undefined,
  message: Pick<Parcel, 'head' | 'body' | 'attachments'>,
): Promise<void> {
  const schema = schemaFor(terms, message.head);
  if (!hasToBeChecked(terms, message)) return;
  const said = await bodies.read(message);
  if (schema !== undefined) bodies.checkBody(schema, said);
}

/** Whether {@link checkBody} has anything to do. */
export function hasToBeChecked(
  terms: ActivityTerms | undefined,
  { head, body }: Pick<Parcel, 'head' | 'body'>,
): boolean {
  return !('body' in body) || schemaFor(terms, head) !== undefined;
}

function schemaFor(terms: ActivityTerms | undefined, head: Parcel['head']): ActivityTerms['schema'] {
  if (head.type === 'start') return head.terms.schema;
  return head.type === 'update' ? terms?.schema : undefined;
}
