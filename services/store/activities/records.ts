import type { Hash } from '../../core/bytes.ts';
import { isNotariumError } from '../../core/errors.ts';
import type { ActivityStore, DamagedRecord, PendingRecord } from './ActivityStore.ts';
import { inParts } from './parts.ts';
import { rowOf } from './rows.ts';
import type { ActivityContext } from './Writing.ts';

type Calls = Pick<
  ActivityStore,
  'setRecord' | 'pendingRecords' | 'recordsTaken' | 'replaceRecord' | 'setRecordAside' | 'recordsSetAside'
>;

const maxPage = 1000;

/** Records of messages, until the log has them. */
export function recordCalls(context: ActivityContext): Calls {
  const { reader, writer, atRest, guarded } = context;
  return {
    setRecord: (message, recordId) => guarded(setRecords(context, [{ message, recordId }])),
    pendingRecords: (limit) => guarded(pendingRecords(context, limit)),
    recordsTaken: (taken) => guarded(setRecords(context, taken)),
    replaceRecord: ({ message, activity, entry }) => {
      const sealed = atRest.sealText(activity, rowOf.record(message), entry);
      return guarded(
        writer.run(async (trx) => {
          const row = { entry: sealed, is_aside: 0 };
          await trx.updateTable('activity_records').set(row).where('message', '=', message).execute();
        }),
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

async function pendingRecords(
  { reader, atRest }: ActivityContext,
  limit: number,
): ReturnType<ActivityStore['pendingRecords']> {
  const rows = await reader
    .selectFrom('activity_records')
    .select(['message', 'activity', 'entry'])
    .where('is_aside', '=', 0)
    .orderBy('seq')
    .limit(Math.min(limit, maxPage))
    .execute();
  const records: PendingRecord[] = [];
  const damaged: DamagedRecord[] = [];
  for (const row of rows) {
    const [message, activity] = [row.message as Hash, row.activity as Hash];
    try {
      records.push({ message, activity, entry: atRest.openText(activity, rowOf.record(message), row.entry) });
    } catch (error) {
      if (!isNotariumError(error)) throw error;
      damaged.push({ message, activity, error });
    }
  }
  return { records, damaged };
}

/** The log has them: they are pending no longer. */
function setRecords({ writer }: ActivityContext, taken: Parameters<ActivityStore['recordsTaken']>[0]): Promise<void> {
  return writer.run(async (trx) => {
    for (const { message, recordId } of taken)
      await trx.updateTable('activity_messages').set({ record_id: recordId }).where('id', '=', message).execute();
    for (const some of inParts(taken.map(({ message }) => message)))
      await trx.deleteFrom('activity_records').where('message', 'in', some).execute();
  });
}
