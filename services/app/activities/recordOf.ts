import { activitySubject } from '../../core/activities/sealed.ts';
import { fromHex, type Hash, type RecordId } from '../../core/bytes.ts';
import { digestText } from '../../core/record.ts';
import type { ActivityHost } from './ActivityHost.ts';

const pageSize = 16;

/**
 * The record of something in an activity; undefined while the log and the pool have none. Whoever has seen a digest can put it into a record
 * of its own: only with the subject is it that of the activity.
 */
export async function recordOf(
  { search }: Pick<ActivityHost, 'search'>,
  { digest, grp }: { readonly digest: Hash; readonly grp: Hash },
): Promise<{ readonly id: RecordId } | undefined> {
  const want = digestText(fromHex(digest));
  for (let after: string | undefined; ; ) {
    const page = { subject: activitySubject(grp), limit: pageSize };
    const { items, next } = await search(after === undefined ? page : { ...page, after });
    const found = items.find(({ record }) => record.kind === 'activity' && record.digest === want);
    if (found || next === undefined) return found;
    after = next;
  }
}
