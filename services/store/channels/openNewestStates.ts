import { join } from 'node:path';
import type { Migration } from 'kysely/migration';
import type { Hash } from '../../core/bytes.ts';
import { jsonWithAmounts } from '../../core/channels/amount.ts';
import { channelViewSchema } from '../../core/channels/update.ts';
import { openBeside } from '../openBeside.ts';
import type { NewestStates } from './NewestStates.ts';

const file = 'newest.sqlite';
type StatesSchema = { newest_states: { channel_id: string; view: string } };

const migrations: Record<string, Migration> = {
  '001-newest-states': {
    async up(db) {
      await db.schema
        .createTable('newest_states')
        .ifNotExists()
        .addColumn('channel_id', 'text', (column) => column.notNull().primaryKey())
        .addColumn('view', 'text', (column) => column.notNull())
        .execute();
    },
  },
};

/**
 * Opens a verifier's newest states in a folder of their own, making what is missing.
 * @throws NotariumError `store-version-unsupported`, `channel-store-corrupt`, `storage-full`, `storage-failed`.
 */
export async function openNewestStates(folder: string): Promise<NewestStates> {
  const { db, reader, guarded, close } = await openBeside<StatesSchema>({
    path: join(folder, file),
    folderMode: 0o700,
    migrations: { forEngine: () => migrations, prefix: 'states' },
    corrupt: { code: 'channel-store-corrupt' },
  });
  return {
    channels: () =>
      guarded(
        reader
          .selectFrom('newest_states')
          .select('channel_id')
          .orderBy('channel_id')
          .execute()
          .then((rows) => rows.map((row) => row.channel_id as Hash)),
      ),
    newest: (channelId) =>
      guarded(
        reader
          .selectFrom('newest_states')
          .select('view')
          .where('channel_id', '=', channelId)
          .executeTakeFirst()
          .then((row) => row && channelViewSchema.parse(JSON.parse(row.view))),
      ),
    save: (states) =>
      guarded(
        db.transaction().execute(async (trx) => {
          // The last word on each counts.
          for (const { channelId, view } of new Map(states.map((state) => [state.channelId, state])).values()) {
            const row = view && { channel_id: channelId, view: jsonWithAmounts(view) };
            if (row) await trx.replaceInto('newest_states').values(row).execute();
            else await trx.deleteFrom('newest_states').where('channel_id', '=', channelId).execute();
          }
        }),
      ),
    close,
  };
}
