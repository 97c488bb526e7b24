import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type ColumnType, Kysely, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import type { Hash } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
import { type FolderLock, lockFolder } from './folderLock.ts';
import { SqliteThreadClient, sqliteDialect } from './sqliteDialect.ts';
import { storageError } from './storageError.ts';
import type { WatchtowerStore } from './WatchtowerStore.ts';

type Schema = {
  states: { channel_id: Hash; version: number; data: string; settled_block: number | null };
  /** One row. */
  place: {
    id: 1;
    network: string;
    genesis: Hash;
    block_number: ColumnType<number | null>;
    block_hash: ColumnType<Hash | null>;
  };
};

const migrations: Record<string, Migration> = {
  '001-first': {
    async up(db: Kysely<unknown>) {
      await sql`create table states (channel_id text primary key, version integer not null, data text not null,
        settled_block integer) strict, without rowid`.execute(db);
      await sql`create index states_settled on states (settled_block)`.execute(db);
      await sql`create table place (id integer primary key check (id = 1), network text not null, genesis text not null,
        block_number integer, block_hash text) strict`.execute(db);
    },
  },
};

/**
 * Opens the store of a watchtower in a folder that no other process holds, and makes it when it is not there.
 * @param options.network Name of the channels' network, and hash of its chain block 0: a folder is for one only.
 * @throws NotariumError `store-locked`, `store-network-mismatch`, `storage-failed`, `storage-full`, `store-corrupt`.
 */
export async function openWatchtowerStore(options: {
  readonly dataDir: string;
  readonly network: string;
  readonly genesisHash: Hash;
}): Promise<WatchtowerStore> {
  const { dataDir, network, genesisHash } = options;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const lock: FolderLock = lockFolder(dataDir);
  const path = join(dataDir, 'watchtower.sqlite');
  const thread = new SqliteThreadClient({ path, readOnly: false, cacheKiB: 8192 });
  const db = new Kysely<Schema>({ dialect: sqliteDialect(thread, { readOnly: false }) });
  const run = async <T>(query: () => Promise<T>): Promise<T> => {
    try {
      return await query();
    } catch (error) {
      throw storageError(error, path);
    }
  };
  const close = async (): Promise<void> => {
    await db.destroy();
    lock.release();
  };
  try {
    await run(async () => {
      const { error } = await new Migrator({
        db,
        provider: { getMigrations: async () => migrations },
      }).migrateToLatest();
      if (error) throw error;
      await requireNetwork(db, network, genesisHash);
    });
  } catch (error) {
    await close();
    throw error;
  }
  return storeOf(db, run, close);
}

async function requireNetwork(db: Kysely<Schema>, network: string, genesis: Hash): Promise<void> {
  await db
    .insertInto('place')
    .values({ id: 1, network, genesis, block_number: null, block_hash: null })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const have = await db.selectFrom('place').selectAll().executeTakeFirstOrThrow();
  if (have.network === network && have.genesis === genesis) return;
  throw new NotariumError('store-network-mismatch', `the folder belongs to ${have.network}`);
}

function storeOf(
  db: Kysely<Schema>,
  run: <T>(query: () => Promise<T>) => Promise<T>,
  close: () => Promise<void>,
): WatchtowerStore {
  const rows = () => db.selectFrom('states').select(['channel_id as channelId', 'version', 'data']);
  return {
    read: (channelId) => run(() => rows().where('channel_id', '=', channelId).executeTakeFirst()),
    put: ({ channelId, version, data }) =>
      run(async () => {
        const { numInsertedOrUpdatedRows } = await db
          .insertInto('states')
          .values({ channel_id: channelId, version, data, settled_block: null })
          .onConflict((conflict) =>
            conflict.column('channel_id').doUpdateSet({ version, data }).where('states.version', '<=', version),
          )
          .executeTakeFirstOrThrow();
        return numInsertedOrUpdatedRows === 1n;
      }),
    open: () => run(() => rows().where('settled_block', 'is', null).execute()),
    count: () =>
      run(async () => {
        const count = db.fn.countAll<number>().as('count');
        return (await db.selectFrom('states').select(count).executeTakeFirstOrThrow()).count;
      }),
    markSettled: (channelId, blockNumber) =>
      run(async () => {
        const settled_block = blockNumber ?? null;
        const row = db.updateTable('states').set({ settled_block }).where('channel_id', '=', channelId);
        // Each write waits for the disk, and after a start all channels are told of.
        await row.where('settled_block', 'is not', settled_block).execute();
      }),
    cursor: () =>
      run(async () => {
        const { block_number, block_hash } = await db.selectFrom('place').selectAll().executeTakeFirstOrThrow();
        return block_number === null || block_hash === null ? undefined : { number: block_number, hash: block_hash };
      }),
    saveCursor: ({ number, hash }, forgetBefore) =>
      run(() =>
        db.transaction().execute(async (transaction) => {
          await transaction.updateTable('place').set({ block_number: number, block_hash: hash }).execute();
          await transaction.deleteFrom('states').where('settled_block', '<', forgetBefore).execute();
        }),
      ),
    close,
  };
}
