import type { ActivityTerms } from '../../core/activities/message.ts';
import type { Parcel } from '../../core/activities/parcel.ts';
import type { ActivityHost } from './ActivityHost.ts';

/**
 * Checks the body of a version by the schema of its activity. Other messages say what they want.
 * @param terms of the activity; those of the message itself where it begins one.
 * @throws NotariumError `activity-body-invalid`, `activity-schema-invalid`.
 */
export async function checkBody(
  { bodies }: Pick<ActivityHost, 'bodies'>,
  terms: ActivityTerms | undefined,
  { head, body }: Pick<Parcel, 'head' | 'body'>,
): Promise<void> {
  if (head.type !== 'start' && head.type !== 'update') return;
  const { schema } = head.type === 'start' ? head.terms : (terms ?? {});
  if ('body' in body && schema === undefined) return;
  // Field by field, it has to be readable in any case.
  const said = await bodies.read(body, head.sender);
  if (schema !== undefined) bodies.checkBody(schema, said);
}
