import { appendEvent, type StoreContext } from './context.ts';
import type { Store } from './Store.ts';

/** The part of `Store` about events. */
export function events(context: StoreContext): Pick<Store, 'appendEvent' | 'eventsAfter' | 'lastEventSeq'> {
  const { db, reader } = context;
  return {
    appendEvent: (event) => db.transaction().execute((trx) => appendEvent(context, trx, event)),
    async eventsAfter(seq, limit) {
      const query = reader.selectFrom('events').selectAll().where('seq', '>', seq).orderBy('seq').limit(limit);
      return (await query.execute()).map((row) => ({ ...row, data: JSON.parse(row.data) as Record<string, unknown> }));
    },
    async lastEventSeq() {
      return (await reader.selectFrom('counters').select('last_event').executeTakeFirstOrThrow()).last_event;
    },
  };
}
