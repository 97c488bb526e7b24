import { type CreateTableBuilder, type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Engine } from '../Engine.ts';

// biome-ignore lint/suspicious/noExplicitAny: a migration sees the schema as it was then, which no type describes
type AnyKysely = Kysely<any>;

/** Tables of the database. Hashes as `0x` text, JSON as text. */
export type ChannelSchema = {
  channels: {
    channel_id: string;
    role: string;
    channel: string;
    state: string;
    memory: string;
    due_at: number | null;
  };
  bills: {
    channel_id: string;
    bill_id: string;
    state: string;
    digest: string;
    key_hash: string;
    signed: string;
    key: string | null;
    first: string | null;
    second: string | null;
    leaf_index: number | null;
    note: string | null;
  };
};

/** Every change of the schema, oldest first. A name that was released is never changed. */
export function channelMigrations(engine: Engine): Record<string, Migration> {
  return { '001-channels': { up: (db) => first(db, engine) } };
}

async function first(db: AnyKysely, engine: Engine): Promise<void> {
  const int = engine === 'sqlite' ? sql`integer` : sql`bigint`;
  const strict = <T extends CreateTableBuilder<string, string>>(table: T): T =>
    (engine === 'sqlite' ? table.modifyEnd(sql.raw('strict')) : table) as T;
  const table = (name: string) => db.schema.createTable(name).ifNotExists();
  await strict(
    table('channels')
      .addColumn('channel_id', 'text', (column) => column.notNull().primaryKey())
      .addColumn('role', 'text', (column) => column.notNull())
      .addColumn('channel', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('memory', 'text', (column) => column.notNull())
      .addColumn('due_at', int),
  ).execute();
  await strict(
    table('bills')
      .addColumn('channel_id', 'text', (column) => column.notNull())
      .addColumn('bill_id', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('digest', 'text', (column) => column.notNull())
      .addColumn('key_hash', 'text', (column) => column.notNull())
      .addColumn('signed', 'text', (column) => column.notNull())
      .addColumn('key', 'text')
      .addColumn('first', 'text')
      .addColumn('second', 'text')
      .addColumn('leaf_index', int)
      .addColumn('note', 'text')
      .addPrimaryKeyConstraint('bills_key', ['channel_id', 'bill_id']),
  ).execute();
  for (const text of [
    'create index if not exists channels_due on channels (role, due_at) where due_at is not null',
    "create index if not exists bills_open on bills (channel_id) where state in ('offered', 'locked')",
    'create index if not exists bills_leaf on bills (channel_id, leaf_index) where leaf_index is not null',
    'create index if not exists bills_digest on bills (digest)',
    "create index if not exists bills_lock on bills (key_hash) where state = 'locked'",
  ])
    await sql.raw(text).execute(db);
}
