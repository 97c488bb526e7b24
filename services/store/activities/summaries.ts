import type { CompiledQuery, Insertable } from 'kysely';
import type { Hash } from '../../core/bytes.ts';
import { isNotariumError } from '../../core/errors.ts';
import type { ActivityChange, ListedActivity } from './ActivityStore.ts';
import type { AtRest } from './AtRest.ts';
import type { ActivitySchema } from './migrations.ts';
import { inParts } from './parts.ts';
import { rowOf } from './rows.ts';
import type { ActivityDb } from './Writing.ts';

type Row = Insertable<ActivitySchema['activity_summaries']>;

/** Writes what lists show of activities; nothing in the place of what was made after more messages. */
export function summaryQueries(trx: ActivityDb, rows: readonly Row[]): CompiledQuery[] {
  return inParts(rows).map((some) =>
    trx
      .insertInto('activity_summaries')
      .values(some)
      .onConflict((on) =>
        on
          .column('activity')
          .doUpdateSet(({ ref }) => ({ at_count: ref('excluded.at_count'), text: ref('excluded.text') }))
          .whereRef('excluded.at_count', '>=', 'activity_summaries.at_count'),
      )
      .compile(),
  );
}

/** What lists show of an activity after so many messages, as it is kept. */
export function summaryRow(activity: Hash, { atCount, text }: { atCount: number; text: string }, atRest: AtRest): Row {
  return { activity, at_count: atCount, text: atRest.sealText(activity, rowOf.summary(activity), text) };
}

/** Rows of the newest of these changes of each activity that say what lists show. */
export function summaryRows(changes: readonly ActivityChange[], atRest: AtRest): Row[] {
  const newest = new Map<Hash, { readonly atCount: number; readonly text: string }>();
  for (const { activity, after = 0, messages = [], summary } of changes) {
    const atCount = after + messages.length;
    if (summary === undefined || atCount < (newest.get(activity)?.atCount ?? 0)) continue;
    newest.set(activity, { atCount, text: summary });
  }
  return [...newest].map(([activity, summary]) => summaryRow(activity, summary, atRest));
}

/** What was kept; undefined where there is none of so many messages, or it is damaged: then it can be made again. */
export function summaryOf(activity: Hash, text: Uint8Array | null, atRest: AtRest): Pick<ListedActivity, 'summary'> {
  if (text === null) return {};
  try {
    return { summary: atRest.openText(activity, rowOf.summary(activity), text) };
  } catch (error) {
    if (!isNotariumError(error, 'activity-store-corrupt')) throw error;
    return {};
  }
}
