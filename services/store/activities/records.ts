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
  | 'setRecord'
  | 'pendingRecords'
  | 'recordsTaken'
  | 'replaceRecord'
  | 'postponeRecords'
  | 'setRecordAside'
  | 'recordsSetAside'
>;

const maxPage = 1000;
const mostAheadMs = 60 * 60_000;

/** Records of messages, until the log has them. */
export function recordCalls(context: ActivityContext): Calls {
  const { reader, writer, atRest, guarded } = context;
  return {
    unrecorded: (query) => guarded(unrecorded(context, query)),
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
          for (const { message, dueMs } of records)
            await trx.updateTable('activity_records').set({ due_ms: dueMs }).where('message', '=', message).execute();
        }),
      ),
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
  { activity, beforeMs, after, limit }: Parameters<ActivityStore['unrecorded']>[0],
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
  if (after !== undefined)
    query = query.where(({ eb, refTuple, tuple }) =>
      eb(refTuple('taken_ms', 'id'), '>', tuple(after.takenMs, after.id)),
    );
  return (await query.execute()).map(unrecordedOf);
}

async function pendingRecords(
  { reader, atRest }: ActivityContext,
  limit: number,
  nowMs: number,
): ReturnType<ActivityStore['pendingRecords']> {
  const most = Math.min(limit, maxPage);
  const pending = reader
    .selectFrom('activity_records')
    .select(['message', 'activity', 'entry', 'due_ms'])
    .where('is_aside', '=', 0)
    .orderBy('due_ms')
    .orderBy('seq');
  const rows = await pending.where('due_ms', '<=', nowMs).limit(most).execute();
  // The clock was set back: nothing is meant to wait so long.
  if (rows.length < most)
    rows.push(
      ...(await pending
        .where('due_ms', '>', nowMs + mostAheadMs)
        .limit(most - rows.length)
        .execute()),
    );
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
