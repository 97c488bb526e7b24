import { fromHex, type Hash, type RecordId } from '../../core/bytes.ts';
import { digestText } from '../../core/record.ts';
import type { ActivityHost } from './ActivityHost.ts';

/** The record of something in an activity, by the digest that it carries; undefined while the log and the pool have none. */
export async function recordOf(
  { search }: Pick<ActivityHost, 'search'>,
  digest: Hash,
): Promise<{ readonly id: RecordId } | undefined> {
  const { items } = await search({ digest: digestText(fromHex(digest)), limit: 4 });
  return items.find(({ record }) => record.kind === 'activity');
}
