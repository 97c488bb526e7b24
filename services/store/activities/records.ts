import { sql } from 'kysely';
import type { Hash } from '../../core/bytes.ts';
import { isNotariumError } from '../../core/errors.ts';
import { runTogether } from '../database.ts';
import type { ActivityStore, DamagedRecord, PendingRecord } from './ActivityStore.ts';
import { inParts } from './parts.ts';
import { rowOf, unrecordedOf } from './rows.ts';
import type { ActivityContext } from './Writing.ts';

type Calls = Pick<
  ActivityStore,
  | 'unrecorded'
  | 'unrecordedRead'
  | 'setRecord'
  | 'pendingRecords'
  | 'recordsTaken'
  | 'replaceRecord'
  | 'postponeRecords'
  | 'recordsOverdue'
  | 'setRecordAside'
  | 'recordsSetAside'
>;

const maxPage = 1000;
/** Longer than any is meant to wait. */
const mostAheadMs = 2 * 60 * 60_000;
/** Messages without a record that are looked at for those of one page: of activities that nobody has read there may be any number. */
const mostPassed = 4_096;

/** Records of messages, until the log has them. */
export function recordCalls(context: ActivityContext): Calls {
  const { engine, reader, writer, atRest, guarded } = context;
  return {
    unrecorded: (query) => guarded(unrecorded(context, query)),
    unrecordedRead: (query) => guarded(unrecordedRead(context, query)),
    setRecord: (message, recordId) => guarded(setRecords(context, [{ message, recordId }])),
    pendingRecords: (limit, nowMs) => guarded(pendingRecords(context, limit, nowMs)),
    recordsTaken: (taken) => guarded(setRecords(context, taken)),
    replaceRecord: ({ message, activity, entry, dueMs }) => {
      const sealed = atRest.sealText(activity, rowOf.record(message), entry);
      return guarded(
        writer.run(async (trx) => {
          const row = { entry: sealed, is_aside: 0, due_ms: dueMs };
          await trx.updateTable('activity_records').set(row).where('message', '=', message).execute();
        }),
      );
    },
    postponeRecords: (records) =>
      guarded(
        writer.run(async (trx) => {
          const row = ({ message, dueMs }: (typeof records)[number]) =>
            trx.updateTable('activity_records').set({ due_ms: dueMs }).where('message', '=', message).compile();
          await runTogether(engine, trx, records.map(row));
        }),
      ),
    recordsOverdue: (after, limit, nowMs) => {
      const pending = reader.selectFrom('activity_records').select(['seq', 'message']).where('is_aside', '=', 0);
      const due = pending.where(({ eb }) => eb.or([eb('due_ms', '<=', nowMs), eb('due_ms', '>', nowMs + mostAheadMs)]));
      const query = after === undefined ? due : due.where('seq', '>', after);
      const most = Math.min(limit, maxPage);
      return guarded(
        query
          .orderBy('seq')
          .limit(most)
          .execute()
          .then((rows) => rows.map(({ seq, message }) => ({ seq, message: message as Hash }))),
      );
    },
    setRecordAside: (message) =>
      guarded(
        writer.run(async (trx) => {
          await trx.updateTable('activity_records').set({ is_aside: 1 }).where('message', '=', message).execute();
        }),
      ),
    recordsSetAside: () => {
      const query = reader.selectFrom('activity_records').select(['message', 'activity']).where('is_aside', '=', 1);
      return guarded(
        query
          .orderBy('seq')
          .limit(maxPage)
          .execute()
          .then((rows) =>
            rows.map(({ message, activity }) => ({ message: message as Hash, activity: activity as Hash })),
          ),
      );
    },
  };
}

async function unrecorded(
  { reader }: ActivityContext,
  { activity, beforeMs, limit }: Parameters<ActivityStore['unrecorded']>[0],
): ReturnType<ActivityStore['unrecorded']> {
  let query = reader
    .selectFrom('activity_messages')
    .select(['id', 'activity', 'taken_ms', 'seal', 'seal_digest'])
    .where('record_id', 'is', null)
    .where('taken_ms', '<', beforeMs)
    .orderBy('taken_ms')
    .orderBy('id')
    .limit(Math.min(limit, maxPage));
  if (activity !== undefined) query = query.where('activity', '=', activity);
  return (await query.execute()).map(unrecordedOf);
}

async function unrecordedRead(
  { reader }: ActivityContext,
  { afterMs, beforeMs, after, limit }: Parameters<ActivityStore['unrecordedRead']>[0],
): ReturnType<ActivityStore['unrecordedRead']> {
  // Whether it is read is looked up for each, so that no more are looked at than that.
  const isRead = sql<number | null>`(select is_read from activities where id = activity_messages.activity)`;
  let query = reader
    .selectFrom('activity_messages')
    .select(['id', 'taken_ms', isRead.as('is_read')])
    .where('record_id', 'is', null)
    .where('taken_ms', '<', beforeMs)
    .orderBy('taken_ms')
    .orderBy('id')
    .limit(mostPassed);
  query =
    after === undefined
      ? query.where('taken_ms', '>=', afterMs)
      : query.where(({ eb, refTuple, tuple }) => eb(refTuple('taken_ms', 'id'), '>', tuple(after.takenMs, after.id)));
  const passed = await query.execute();
  const wanted = passed.filter(({ is_read }) => is_read !== 0);
  const page = wanted.slice(0, Math.min(limit, maxPage));
  const last = page.length < wanted.length ? page.at(-1) : passed.length === mostPassed ? passed.at(-1) : undefined;
  const found = inParts(page.map(({ id }) => id)).map((some) =>
    reader
      .selectFrom('activity_messages')
      .select(['id', 'activity', 'taken_ms', 'seal', 'seal_digest'])
      .where('id', 'in', some)
      .execute(),
  );
  const rows = new Map((await Promise.all(found)).flat().map((row) => [row.id, row]));
  return {
    messages: page.flatMap(({ id }) => rows.get(id) ?? []).map(unrecordedOf),
    ...(last ? { next: { id: last.id as Hash, takenMs: last.taken_ms } } : {}),
  };
}

async function pendingRecords(
  { reader, atRest }: ActivityContext,
  limit: number,
  nowMs: number,
): ReturnType<ActivityStore['pendingRecords']> {
  const rows = await reader
    .selectFrom('activity_records')
    .select(['message', 'activity', 'entry', 'due_ms'])
    .where('is_aside', '=', 0)
    .where('due_ms', '<=', nowMs)
    .orderBy('due_ms')
    .orderBy('seq')
    .limit(Math.min(limit, maxPage))
    .execute();
  const records: PendingRecord[] = [];
  const damaged: DamagedRecord[] = [];
  for (const row of rows) {
    const [message, activity] = [row.message as Hash, row.activity as Hash];
    try {
      const entry = atRest.openText(activity, rowOf.record(message), row.entry);
      records.push({ message, activity, entry, dueMs: row.due_ms });
    } catch (error) {
      if (!isNotariumError(error)) throw error;
      damaged.push({ message, activity, error });
    }
  }
  return { records, damaged };
}

/** The log has them: they are pending no longer. */
function setRecords(
  { writer, engine }: ActivityContext,
  taken: Parameters<ActivityStore['recordsTaken']>[0],
): Promise<void> {
  return writer.run(async (trx) => {
    const noted = inParts(taken).map((some) => {
      const rows = some.map(({ message, recordId }) => sql`(${message}, ${recordId})`);
      return sql`
        with taken(message, record_id) as (values ${sql.join(rows)})
        update activity_messages set record_id = taken.record_id from taken where id = taken.message`.compile(trx);
    });
    const dropped = inParts(taken.map(({ message }) => message)).map((some) =>
      trx.deleteFrom('activity_records').where('message', 'in', some).compile(),
    );
    await runTogether(engine, trx, [...noted, ...dropped]);
  });
}
