import { type ColumnDefinitionBuilder, type CreateTableBuilder, type Generated, type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Engine } from '../Engine.ts';

// biome-ignore lint/suspicious/noExplicitAny: a migration sees the schema as it was then, which no type describes
type AnyKysely = Kysely<any>;

/** Tables of the database. Hashes and addresses as `0x` text, JSON as text; what is of bytes is encrypted, see AtRest.ts. */
export type ActivitySchema = {
  /** One row, by which a wrong key shows itself. */
  activity_key: { id: number; proof: Uint8Array };
  activities: {
    id: string;
    owner: string | null;
    created_ms: number;
    changed_ms: number;
    message_count: number;
    is_read: Generated<number>;
  };
  /** What a list shows of an activity with so many messages. */
  activity_summaries: { activity: string; at_count: number; text: Uint8Array };
  activity_messages: {
    id: string;
    activity: string;
    place: number;
    type: string;
    sender: string;
    parcel: Uint8Array;
    parcel_bytes: number;
    seal: string;
    seal_digest: string;
    record_id: string | null;
    taken_ms: number;
  };
  /** What each node has to answer for in an activity that nobody has looked at; `begun` is 1 where that has begun with it. */
  activity_unread: { payer: string; activity: string; begun: number; size_bytes: number };
  activity_attachments: {
    sealed_digest: string;
    message: string;
    activity: string;
    /** 1 where the file was put or fetched for this message. */
    is_here: Generated<number>;
  };
  /** What goes to members, by its own digest: a copy has the seal of its original. */
  activity_texts: { id: string; activity: string; text: Uint8Array; text_bytes: number };
  activity_deliveries: {
    seq: Generated<number>;
    seal_digest: string;
    activity: string;
    message: string;
    member: string;
    state: string;
    text_id: string;
    queued_ms: number;
    tries: number;
    next_ms: number;
    ack: string | null;
    problem_code: string | null;
    problem_detail: string | null;
  };
  activity_held: {
    seq: Generated<number>;
    seal_digest: string;
    activity: string;
    sender: string;
    text: Uint8Array;
    text_bytes: number;
    held_ms: number;
  };
  activity_uploads: {
    sealed_digest: string;
    owner: string | null;
    size_bytes: number;
    put_ms: number;
    answer_digest: string | null;
  };
  activity_records: {
    seq: Generated<number>;
    message: string;
    activity: string;
    entry: Uint8Array;
    /** 1 where it is damaged and cannot be made again. */
    is_aside: Generated<number>;
    due_ms: Generated<number>;
  };
  /** Messages to which this node says what it has to say when it knows what was said meanwhile. */
  activity_answers: { seq: Generated<number>; message: string; activity: string };
  activity_credentials: {
    id: string;
    text: Uint8Array;
    device: string;
    owner: string | null;
    revoked_ms: number | null;
  };
};

/** Every change of the schema, oldest first. A name that was released is never changed. */
export function activityMigrations(engine: Engine): Record<string, Migration> {
  return {
    '001-activities': { up: (db) => first(db, engine) },
    '002-uploads': { up: (db) => uploads(db, engine) },
    '003-pauses': { up: (db) => pauses(db, engine) },
    '004-aside': { up: (db) => aside(db, engine) },
    '005-unrecorded': { up: unrecorded },
    '006-due': { up: (db) => due(db, engine) },
    '007-read': { up: (db) => read(db, engine) },
    '008-here': { up: (db) => here(db, engine) },
    '009-answers': { up: answers },
    '010-unread': { up: (db) => unread(db, engine) },
    '011-late': { up: (db) => late(db, engine) },
    '012-refused': { up: refused },
    '013-payer': { up: payer },
    '014-summaries': { up: (db) => summaries(db, engine) },
  };
}

async function first(db: AnyKysely, engine: Engine): Promise<void> {
  const isSqlite = engine === 'sqlite';
  const int = intOf(engine);
  const bytes = isSqlite ? sql`blob` : sql`bytea`;
  const sequence = isSqlite ? sql`integer` : sql`bigserial`;
  const make = (name: string, build: Build) => makeTable({ db, engine, name }, build);
  await make('activity_key', (table) => table.addColumn('id', int, key).addColumn('proof', bytes, always));
  await make('activities', (table) =>
    table
      .addColumn('id', 'text', key)
      .addColumn('owner', 'text')
      .addColumn('created_ms', int, always)
      .addColumn('changed_ms', int, always)
      .addColumn('message_count', int, always),
  );
  await make('activity_messages', (table) =>
    table
      .addColumn('id', 'text', key)
      .addColumn('activity', 'text', always)
      .addColumn('place', int, always)
      .addColumn('type', 'text', always)
      .addColumn('sender', 'text', always)
      .addColumn('parcel', bytes, always)
      .addColumn('parcel_bytes', int, always)
      .addColumn('seal', 'text', always)
      .addColumn('seal_digest', 'text', always)
      .addColumn('record_id', 'text')
      .addColumn('taken_ms', int, always)
      .addUniqueConstraint('activity_messages_place', ['activity', 'place']),
  );
  await make('activity_attachments', (table) =>
    table
      .addColumn('sealed_digest', 'text', always)
      .addColumn('message', 'text', always)
      .addColumn('activity', 'text', always)
      .addPrimaryKeyConstraint('activity_attachments_key', ['sealed_digest', 'message']),
  );
  await make('activity_texts', (table) =>
    table
      .addColumn('id', 'text', key)
      .addColumn('activity', 'text', always)
      .addColumn('text', bytes, always)
      .addColumn('text_bytes', int, always),
  );
  await make('activity_deliveries', (table) =>
    table
      .addColumn('seq', sequence, key)
      .addColumn('seal_digest', 'text', always)
      .addColumn('activity', 'text', always)
      .addColumn('message', 'text', always)
      .addColumn('member', 'text', always)
      .addColumn('state', 'text', always)
      .addColumn('text_id', 'text', always)
      .addColumn('queued_ms', int, always)
      .addColumn('ack', 'text')
      .addColumn('problem_code', 'text')
      .addColumn('problem_detail', 'text')
      .addUniqueConstraint('activity_deliveries_key', ['seal_digest', 'member']),
  );
  await make('activity_held', (table) =>
    table
      .addColumn('seq', sequence, key)
      .addColumn('seal_digest', 'text', always)
      .addColumn('activity', 'text', always)
      .addColumn('sender', 'text', always)
      .addColumn('text', bytes, always)
      .addColumn('text_bytes', int, always)
      .addColumn('held_ms', int, always)
      .addUniqueConstraint('activity_held_key', ['seal_digest', 'sender']),
  );
  await make('activity_records', (table) =>
    table
      .addColumn('seq', sequence, key)
      .addColumn('message', 'text', (column) => column.notNull().unique())
      .addColumn('activity', 'text', always)
      .addColumn('entry', bytes, always),
  );
  await make('activity_credentials', (table) =>
    table
      .addColumn('id', 'text', key)
      .addColumn('text', bytes, always)
      .addColumn('device', 'text', always)
      .addColumn('owner', 'text')
      .addColumn('revoked_ms', int),
  );
  for (const text of [
    'activities_changed on activities (changed_ms, id)',
    'activities_owner on activities (owner, changed_ms, id) where owner is not null',
    'activity_messages_seal on activity_messages (seal_digest)',
    "activity_deliveries_queued on activity_deliveries (member, seq, queued_ms) where state = 'queued'",
    "activity_deliveries_text on activity_deliveries (text_id) where state = 'queued'",
    'activity_deliveries_message on activity_deliveries (message, seq)',
    'activity_deliveries_activity on activity_deliveries (activity, seq)',
    'activity_held_sender on activity_held (sender, seq, text_bytes)',
    'activity_held_activity on activity_held (activity, seq)',
    'activity_credentials_owner on activity_credentials (owner, id) where owner is not null',
  ])
    await sql.raw(`create index if not exists ${text}`).execute(db);
}

/** What a client has put, until a message names it: whose it is, and how long it has been waiting. */
async function uploads(db: AnyKysely, engine: Engine): Promise<void> {
  const int = intOf(engine);
  await makeTable({ db, engine, name: 'activity_uploads' }, (table) =>
    table
      .addColumn('sealed_digest', 'text', key)
      .addColumn('owner', 'text')
      .addColumn('size_bytes', int, always)
      .addColumn('put_ms', int, always),
  );
  await sql
    .raw('create index if not exists activity_uploads_owner on activity_uploads (owner, size_bytes)')
    .execute(db);
}

/** What a member cannot take yet waits for itself, and holds up nothing else. */
async function pauses(db: AnyKysely, engine: Engine): Promise<void> {
  for (const name of ['tries', 'next_ms'])
    await db.schema
      .alterTable('activity_deliveries')
      .addColumn(name, intOf(engine), (column) => column.notNull().defaultTo(0))
      .execute();
}

/** A damaged record is set aside. */
async function aside(db: AnyKysely, engine: Engine): Promise<void> {
  await db.schema
    .alterTable('activity_records')
    .addColumn('is_aside', intOf(engine), (column) => column.notNull().defaultTo(0))
    .execute();
}

/** Messages whose record was not found yet are looked for. */
async function unrecorded(db: AnyKysely): Promise<void> {
  await sql
    .raw(
      'create index if not exists activity_messages_unrecorded on activity_messages (taken_ms, id) where record_id is null',
    )
    .execute(db);
}

/** What members have refused is shown with each activity. */
async function refused(db: AnyKysely): Promise<void> {
  await sql
    .raw(
      "create index if not exists activity_deliveries_refused on activity_deliveries (activity, message, seq) where state = 'refused'",
    )
    .execute(db);
}

/** Records go to the log at times of their own. */
async function due(db: AnyKysely, engine: Engine): Promise<void> {
  await db.schema
    .alterTable('activity_records')
    .addColumn('due_ms', intOf(engine), (column) => column.notNull().defaultTo(0))
    .execute();
  await sql.raw('create index if not exists activity_records_due on activity_records (is_aside, due_ms)').execute(db);
}

/** What nobody has looked at is bounded; of what was there before nobody knows. */
async function read(db: AnyKysely, engine: Engine): Promise<void> {
  await db.schema
    .alterTable('activities')
    .addColumn('is_read', intOf(engine), (column) => column.notNull().defaultTo(1))
    .execute();
  await sql.raw('create index if not exists activities_unread on activities (id) where is_read = 0').execute(db);
}

/** A file is given by a message that it came with; of what was there before nobody knows. */
async function here(db: AnyKysely, engine: Engine): Promise<void> {
  await db.schema
    .alterTable('activity_attachments')
    .addColumn('is_here', intOf(engine), (column) => column.notNull().defaultTo(1))
    .execute();
  const places = 'activity_attachments (sealed_digest, activity) where is_here = 1';
  await sql.raw(`create index if not exists activity_attachments_here on ${places}`).execute(db);
}

/** What was answered to an upload; of those that were there before nobody knows. */
async function answers(db: AnyKysely): Promise<void> {
  await db.schema.alterTable('activity_uploads').addColumn('answer_digest', 'text').execute();
}

/** What members have that nobody has looked at is summed up as it comes: to count messages takes as long as there are many. */
async function unread(db: AnyKysely, engine: Engine): Promise<void> {
  const int = intOf(engine);
  await makeTable({ db, engine, name: 'activity_unread' }, (table) =>
    table
      .addColumn('sender', 'text', always)
      .addColumn('activity', 'text', always)
      .addColumn('begun', int, always)
      .addColumn('size_bytes', int, always)
      .addPrimaryKeyConstraint('activity_unread_key', ['sender', 'activity']),
  );
  await sql.raw('create index if not exists activity_unread_activity on activity_unread (activity)').execute(db);
  await sql
    .raw(
      `insert into activity_unread (sender, activity, begun, size_bytes)
        select sender, activity, sum(case when place = 0 then 1 else 0 end), sum(parcel_bytes)
        from activity_messages join activities on activities.id = activity_messages.activity
        where is_read = 0 group by sender, activity`,
    )
    .execute(db);
  await sql.raw('drop index if exists activities_unread').execute(db);
}

/** Members may be made up: on whose account a message is need not be its sender. */
async function payer(db: AnyKysely): Promise<void> {
  await db.schema.alterTable('activity_unread').renameColumn('sender', 'payer').execute();
}

/** A list reads no messages; of what was there before this is filled in when it is listed, or changed. */
async function summaries(db: AnyKysely, engine: Engine): Promise<void> {
  await makeTable({ db, engine, name: 'activity_summaries' }, (table) =>
    table
      .addColumn('activity', 'text', key)
      .addColumn('at_count', intOf(engine), always)
      .addColumn('text', engine === 'sqlite' ? sql`blob` : sql`bytea`, always),
  );
}

/** What is to be answered later is not forgotten by a restart. */
async function late(db: AnyKysely, engine: Engine): Promise<void> {
  const sequence = engine === 'sqlite' ? sql`integer` : sql`bigserial`;
  await makeTable({ db, engine, name: 'activity_answers' }, (table) =>
    table
      .addColumn('seq', sequence, key)
      .addColumn('message', 'text', (column) => column.notNull().unique())
      .addColumn('activity', 'text', always),
  );
}

type Build = (table: CreateTableBuilder<string>) => CreateTableBuilder<string, string>;

const always = (column: ColumnDefinitionBuilder): ColumnDefinitionBuilder => column.notNull();
const key = (column: ColumnDefinitionBuilder): ColumnDefinitionBuilder => column.notNull().primaryKey();
const intOf = (engine: Engine) => (engine === 'sqlite' ? sql`integer` : sql`bigint`);

function makeTable(
  { db, engine, name }: { readonly db: AnyKysely; readonly engine: Engine; readonly name: string },
  build: Build,
): Promise<void> {
  const table = build(db.schema.createTable(name).ifNotExists());
  return (engine === 'sqlite' ? table.modifyEnd(sql.raw('strict')) : table).execute();
}
