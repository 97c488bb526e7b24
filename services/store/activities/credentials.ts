import type { ActivityStore } from './ActivityStore.ts';
import { credentialOf, rowOf } from './rows.ts';
import type { ActivityContext } from './Writing.ts';

const maxPage = 1000;

/** Credentials of devices. */
export function credentialCalls({
  reader,
  writer,
  atRest,
  guarded,
}: ActivityContext): Pick<ActivityStore, 'saveCredential' | 'credential' | 'credentials' | 'revokeCredential'> {
  return {
    saveCredential: ({ id, text, device, owner }) => {
      const row = { id, device, owner: owner ?? null, text: atRest.sealText(id, rowOf.credential(id), text) };
      return guarded(
        writer.run(async (trx) => {
          await trx
            .insertInto('activity_credentials')
            .values({ ...row, revoked_ms: null })
            .onConflict((on) => on.column('id').doNothing())
            .execute();
        }),
      );
    },
    credential: (id) => {
      const query = reader.selectFrom('activity_credentials').selectAll().where('id', '=', id);
      return guarded(query.executeTakeFirst().then((row) => row && credentialOf(row, atRest)));
    },
    credentials: ({ owner, after, limit = maxPage } = {}) => {
      const page = Math.max(1, Math.min(limit, maxPage));
      let query = reader.selectFrom('activity_credentials').selectAll().orderBy('id').limit(page);
      if (owner !== undefined) query = query.where('owner', '=', owner);
      if (after !== undefined) query = query.where('id', '>', after);
      return guarded(query.execute().then((rows) => rows.map((row) => credentialOf(row, atRest))));
    },
    revokeCredential: (id, nowMs) =>
      guarded(
        writer.run(async (trx) => {
          const query = trx.updateTable('activity_credentials').set({ revoked_ms: nowMs });
          const { numUpdatedRows } = await query
            .where('id', '=', id)
            .where('revoked_ms', 'is', null)
            .executeTakeFirstOrThrow();
          return numUpdatedRows > 0n;
        }),
      ),
  };
}
