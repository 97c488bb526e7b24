import { type StoreContext, write } from './context.ts';
import { lockCounters } from './database.ts';
import type { WebhookStore } from './WebhookStore.ts';

/** The part of `Store` about what the webhook has been told. */
export function webhook(context: StoreContext): WebhookStore {
  return {
    async webhookCursor() {
      return await write(context, undefined, async (trx) => {
        const { last_event } = await lockCounters(context.engine, trx);
        const row = await trx.selectFrom('webhook').select('seq').executeTakeFirst();
        // Beyond the end where a rebuild has lost events: their numbers come again.
        if (row && row.seq <= last_event) return row.seq;
        const values = { one: 1, seq: last_event };
        await trx
          .insertInto('webhook')
          .values(values)
          .onConflict((on) => on.column('one').doUpdateSet(values))
          .execute();
        return last_event;
      });
    },

    async moveWebhookCursor(seq, options) {
      await write(context, options, (trx) => trx.updateTable('webhook').set({ seq }).where('seq', '<', seq).execute());
    },
  };
}
