import { type CompiledQuery, type Insertable, sql } from 'kysely';
import type { Address, Hash } from '../../core/bytes.ts';
import type { UnreadLoad } from './ActivityStore.ts';
import type { ActivitySchema } from './migrations.ts';
import { inParts } from './parts.ts';
import type { ActivityContext, ActivityDb } from './Writing.ts';

type Message = Pick<
  Insertable<ActivitySchema['activity_messages']>,
  'id' | 'activity' | 'sender' | 'place' | 'parcel_bytes'
>;

/**
 * Adds messages to what is in activities that nobody has looked at: these alone, and messages that were not there before.
 * @param payers By message; its sender where there is none.
 */
export function unreadQueries(
  trx: ActivityDb,
  messages: readonly Message[],
  payers: ReadonlyMap<string, Address>,
): CompiledQuery[] {
  const rows = new Map<string, Insertable<ActivitySchema['activity_unread']>>();
  for (const { id, activity, sender, place, parcel_bytes } of messages) {
    const payer = payers.get(id) ?? sender;
    const name = `${payer}/${activity}`;
    const { begun = 0, size_bytes = 0 } = rows.get(name) ?? {};
    rows.set(name, { payer, activity, begun: place === 0 ? 1 : begun, size_bytes: size_bytes + parcel_bytes });
  }
  return inParts([...rows.values()]).map((some) =>
    trx
      .insertInto('activity_unread')
      .values(some)
      .onConflict((on) =>
        on.columns(['payer', 'activity']).doUpdateSet({
          begun: sql<number>`activity_unread.begun + excluded.begun`,
          size_bytes: sql<number>`activity_unread.size_bytes + excluded.size_bytes`,
        }),
      )
      .compile(),
  );
}

/** See `ActivityStore.setRead`. */
export async function setRead(trx: ActivityDb, activity: Hash): Promise<void> {
  // Its row first: who writes messages of it has that locked until their sums are there as well.
  await trx.updateTable('activities').set({ is_read: 1 }).where('id', '=', activity).execute();
  await trx.deleteFrom('activity_unread').where('activity', '=', activity).execute();
}

/** See `ActivityStore.unreadLoads`. */
export async function unreadLoads({ reader }: Pick<ActivityContext, 'reader'>): Promise<UnreadLoad[]> {
  const rows = await reader
    .selectFrom('activity_unread')
    .select('payer')
    .select(sql<number>`cast(sum(begun) as bigint)`.as('activities'))
    .select(sql<number>`cast(sum(size_bytes) as bigint)`.as('sizeBytes'))
    .groupBy('payer')
    .execute();
  return rows.map(({ payer, activities, sizeBytes }) => ({ payer: payer as Address, activities, sizeBytes }));
}
