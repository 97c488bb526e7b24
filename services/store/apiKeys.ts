import type { Selectable } from 'kysely';
import type { StoreContext } from './context.ts';
import type { ApiKeyRow, Store } from './Store.ts';
import type { Schema } from './schema.ts';

/** The part of `Store` about API keys. */
export function apiKeys({ db }: StoreContext): Pick<Store, 'createKey' | 'listKeys' | 'findKeyByHash' | 'revokeKey'> {
  return {
    async createKey({ id, hash, name, scopes, createdAt, revokedAt }) {
      const row = {
        id,
        hash,
        name,
        scopes: JSON.stringify(scopes),
        created_at: createdAt,
        revoked_at: revokedAt ?? null,
      };
      await db.insertInto('api_keys').values(row).execute();
    },
    async listKeys() {
      const rows = await db.selectFrom('api_keys').selectAll().orderBy('created_at').orderBy('id').execute();
      return rows.map(keyOf);
    },
    async findKeyByHash(hash) {
      const row = await db.selectFrom('api_keys').selectAll().where('hash', '=', hash).executeTakeFirst();
      return row && keyOf(row);
    },
    async revokeKey(id, revokedAt) {
      const { numUpdatedRows } = await db
        .updateTable('api_keys')
        .set((from) => ({ revoked_at: from.fn.coalesce('revoked_at', from.val(revokedAt)) }))
        .where('id', '=', id)
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    },
  };
}

function keyOf(row: Selectable<Schema['api_keys']>): ApiKeyRow {
  const { id, hash, name, created_at: createdAt, revoked_at } = row;
  const scopes = JSON.parse(row.scopes) as string[];
  return { id, hash, name, scopes, createdAt, ...(revoked_at === null ? {} : { revokedAt: revoked_at }) };
}
