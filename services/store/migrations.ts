import { type CreateTableBuilder, type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Engine } from './Engine.ts';

// biome-ignore lint/suspicious/noExplicitAny: a migration sees the schema as it was then, which no type describes
type AnyKysely = Kysely<any>;

/** Every change of the schema, oldest first. A name that was released is never changed. */
export function migrationsFor(engine: Engine): Record<string, Migration> {
  return {
    '001-first': { up: (db) => first(db, engine) },
    '002-heirs': { up: heirs },
    '003-governance': { up: (db) => governance(db, engine) },
    '004-votes': { up: (db) => votes(db, engine) },
    '005-resources': { up: (db) => resources(db, engine) },
    '006-due': { up: (db) => due(db, engine) },
    '007-webhook': { up: (db) => webhook(db, engine) },
    '008-headers': { up: (db) => headers(db, engine) },
    '009-admission': { up: (db) => admission(db, engine) },
  };
}

/** Finds the pool's heirs of a record that another centre's block has superseded. */
async function heirs(db: AnyKysely): Promise<void> {
  await sql`create index if not exists pool_supersedes on pool (supersedes) where supersedes is not null`.execute(db);
}

/** What the chain said of proposals and resource sets, and the documents that they name. */
async function governance(db: AnyKysely, engine: Engine): Promise<void> {
  const int = engine === 'sqlite' ? sql`integer` : sql`bigint`;
  const strict = <T extends CreateTableBuilder<string, string>>(table: T): T =>
    (engine === 'sqlite' ? table.modifyEnd(sql.raw('strict')) : table) as T;
  const table = (name: string) => db.schema.createTable(name).ifNotExists();
  await strict(
    table('notices')
      .addColumn('seq', int, (column) => column.primaryKey())
      .addColumn('identity', 'text', (column) => column.notNull().unique())
      .addColumn('subject', 'text', (column) => column.notNull())
      .addColumn('type', 'text', (column) => column.notNull())
      .addColumn('block_number', int, (column) => column.notNull())
      .addColumn('log_index', int, (column) => column.notNull())
      .addColumn('place', 'text', (column) => column.notNull())
      .addColumn('data', 'text', (column) => column.notNull())
      .addColumn('is_orphaned', int, (column) => column.notNull()),
  ).execute();
  for (const name of ['subject', 'block_number']) {
    await db.schema.createIndex(`notices_${name}`).ifNotExists().on('notices').column(name).execute();
  }
  await strict(
    table('notice_checkpoints')
      .addColumn('block_number', int, (column) => column.primaryKey())
      .addColumn('block_hash', 'text', (column) => column.notNull()),
  ).execute();
  await strict(
    table('projections')
      .addColumn('subject', 'text', (column) => column.notNull().primaryKey())
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('seq', int, (column) => column.notNull())
      .addColumn('body', 'text'),
  ).execute();
  await db.schema.createIndex('projections_order').ifNotExists().on('projections').columns(['kind', 'seq']).execute();
  await strict(
    table('contents')
      .addColumn('hash', 'text', (column) => column.notNull().primaryKey())
      .addColumn('size_bytes', int, (column) => column.notNull()),
  ).execute();
}

/** What centres sign of proposals. */
async function votes(db: AnyKysely, engine: Engine): Promise<void> {
  const int = engine === 'sqlite' ? sql`integer` : sql`bigint`;
  const table = (name: string, key: readonly string[], texts: readonly string[], numbers: readonly string[] = []) => {
    let made: CreateTableBuilder<string, string> = db.schema.createTable(name).ifNotExists();
    for (const column of [...key, ...texts]) made = made.addColumn(column, 'text', (built) => built.notNull());
    for (const column of numbers) made = made.addColumn(column, int, (built) => built.notNull());
    made = made.addPrimaryKeyConstraint(`${name}_key`, [...key]);
    return engine === 'sqlite' ? made.modifyEnd(sql.raw('strict')) : made;
  };
  await table('proposal_drafts', ['draft_hash'], ['content_hash', 'content'], ['valid_until']).execute();
  await table('ballots', ['proposal_id', 'voter'], ['support', 'reason', 'signature']).execute();
  await table('outcome_signatures', ['proposal_id', 'centre'], ['digest', 'signature']).execute();
}

/** What this node does with resource sets: how far each version is, and its reports on their way. */
async function resources(db: AnyKysely, engine: Engine): Promise<void> {
  const int = engine === 'sqlite' ? sql`integer` : sql`bigint`;
  const strict = <T extends CreateTableBuilder<string, string>>(table: T): T =>
    (engine === 'sqlite' ? table.modifyEnd(sql.raw('strict')) : table) as T;
  const table = (name: string) => db.schema.createTable(name).ifNotExists();
  await strict(
    table('resource_sets')
      .addColumn('resource_set', 'text', (column) => column.notNull().primaryKey())
      .addColumn('name', 'text')
      .addColumn('written', int),
  ).execute();
  await strict(
    table('resource_versions')
      .addColumn('resource_set', 'text', (column) => column.notNull())
      .addColumn('version', int, (column) => column.notNull())
      .addColumn('configuration_hash', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('attempts', int, (column) => column.notNull())
      .addColumn('fallback', 'text')
      .addColumn('reason', 'text')
      .addColumn('changed_at', 'text', (column) => column.notNull())
      .addColumn('finding', 'text')
      .addPrimaryKeyConstraint('resource_versions_key', ['resource_set', 'version']),
  ).execute();
  await strict(
    table('resource_reports')
      .addColumn('resource_set', 'text', (column) => column.notNull())
      .addColumn('version', int, (column) => column.notNull())
      .addColumn('sequence', int, (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('matches', int, (column) => column.notNull())
      .addColumn('actual_hash', 'text', (column) => column.notNull())
      .addColumn('document', 'text', (column) => column.notNull())
      .addColumn('entry', 'text', (column) => column.notNull())
      .addColumn('record_id', 'text', (column) => column.notNull())
      .addColumn('signature', 'text', (column) => column.notNull())
      .addColumn('made_at', 'text', (column) => column.notNull())
      .addColumn('transaction_hash', 'text')
      .addColumn('reason', 'text')
      .addPrimaryKeyConstraint('resource_reports_key', ['resource_set', 'version', 'sequence']),
  ).execute();
  await sql`create index if not exists resource_reports_open on resource_reports (made_at) where state not in ('sent', 'void')`.execute(
    db,
  );
}

/** Which events the webhook has taken: one row. */
async function webhook(db: AnyKysely, engine: Engine): Promise<void> {
  const int = engine === 'sqlite' ? sql`integer` : sql`bigint`;
  const table = db.schema
    .createTable('webhook')
    .ifNotExists()
    .addColumn('one', int, (column) => column.primaryKey())
    .addColumn('seq', int, (column) => column.notNull());
  await (engine === 'sqlite' ? table.modifyEnd(sql.raw('strict')) : table).execute();
}

/** What publishers have shown: half of a proof of equivocation each. */
async function headers(db: AnyKysely, engine: Engine): Promise<void> {
  const int = engine === 'sqlite' ? sql`integer` : sql`bigint`;
  const table = db.schema
    .createTable('seen_headers')
    .ifNotExists()
    .addColumn('slot', int, (column) => column.notNull())
    .addColumn('publisher', 'text', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull())
    .addColumn('signed', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('seen_headers_key', ['slot', 'publisher', 'hash']);
  await (engine === 'sqlite' ? table.modifyEnd(sql.raw('strict')) : table).execute();
}

/** What an authenticator has found out about candidates and centres. */
async function admission(db: AnyKysely, engine: Engine): Promise<void> {
  const int = engine === 'sqlite' ? sql`integer` : sql`bigint`;
  const strict = <T extends CreateTableBuilder<string, string>>(table: T): T =>
    (engine === 'sqlite' ? table.modifyEnd(sql.raw('strict')) : table) as T;
  const table = (name: string) => db.schema.createTable(name).ifNotExists();
  await strict(
    table('admission_outcomes')
      .addColumn('seq', int, (column) => column.primaryKey())
      .addColumn('candidate', 'text', (column) => column.notNull())
      .addColumn('network', 'text', (column) => column.notNull())
      .addColumn('outcome', 'text', (column) => column.notNull())
      .addColumn('purpose', 'text', (column) => column.notNull())
      .addColumn('code', 'text')
      .addColumn('time_ms', int, (column) => column.notNull())
      .addColumn('document_hash', 'text', (column) => column.notNull())
      .addColumn('document', 'text', (column) => column.notNull())
      .addColumn('entry', 'text', (column) => column.notNull())
      .addColumn('is_recorded', int, (column) => column.notNull()),
  ).execute();
  for (const column of ['candidate', 'network']) {
    const index = db.schema.createIndex(`admission_outcomes_${column}`).ifNotExists();
    await index.on('admission_outcomes').columns([column, 'time_ms']).execute();
  }
  await db.schema
    .createIndex('admission_outcomes_document')
    .ifNotExists()
    .on('admission_outcomes')
    .column('document_hash')
    .execute();
  await db.schema
    .createIndex('admission_outcomes_time')
    .ifNotExists()
    .on('admission_outcomes')
    .column('time_ms')
    .execute();
  await sql`create index if not exists admission_outcomes_open on admission_outcomes (seq) where is_recorded = 0`.execute(
    db,
  );
  await strict(
    table('centre_standings')
      .addColumn('address', 'text', (column) => column.notNull().primaryKey())
      .addColumn('since_ms', int, (column) => column.notNull())
      .addColumn('reason', 'text'),
  ).execute();
}

/** When a projection changes by time alone. */
async function due(db: AnyKysely, engine: Engine): Promise<void> {
  const int = engine === 'sqlite' ? sql`integer` : sql`bigint`;
  await db.schema.alterTable('projections').addColumn('due_at', int).execute();
  await sql`create index if not exists projections_due on projections (due_at) where due_at is not null`.execute(db);
}

async function first(db: AnyKysely, engine: Engine): Promise<void> {
  const bytes = engine === 'sqlite' ? sql`blob` : sql`bytea`;
  const int = engine === 'sqlite' ? sql`integer` : sql`bigint`;
  // STRICT: SQLite then refuses a value of the wrong type, as PostgreSQL does.
  const strict = <T extends CreateTableBuilder<string, string>>(table: T, more = ''): T =>
    (engine === 'sqlite' ? table.modifyEnd(sql.raw(more === '' ? 'strict' : `strict, ${more}`)) : table) as T;
  const table = (name: string) => db.schema.createTable(name).ifNotExists();
  const record = (name: string) =>
    table(name)
      .addColumn('seq', int, (column) => column.primaryKey())
      .addColumn('id52', int, (column) => column.notNull())
      .addColumn('id', bytes, (column) => column.notNull())
      .addColumn('leaf_hash', bytes, (column) => column.notNull())
      .addColumn('digest_key', int, (column) => column.notNull())
      .addColumn('subject_key', int, (column) => column.notNull())
      .addColumn('submitter_key', int, (column) => column.notNull())
      .addColumn('accepted_at', int, (column) => column.notNull())
      .addColumn('include_by_slot', int, (column) => column.notNull())
      .addColumn('acceptance', bytes, (column) => column.notNull())
      .addColumn('expires_ms', int)
      .addColumn('supersedes', bytes)
      .addColumn('entry', bytes, (column) => column.notNull());

  await strict(record('pool')).execute();
  await strict(record('refusals').addColumn('refusal', 'text', (column) => column.notNull())).execute();
  for (const name of ['pool', 'refusals']) {
    await db.schema.createIndex(`${name}_id52`).ifNotExists().on(name).column('id52').execute();
  }
  const counted = ['next_seq', 'pool_count', 'pool_bytes', 'log_size', 'last_event', 'lease_token'];
  let counters = table('counters').addColumn('one', int, (column) => column.primaryKey());
  for (const name of counted)
    counters = counters.addColumn(name, int, (column) => column.notNull().defaultTo(0)) as typeof counters;
  await strict(counters).execute();
  await db
    .insertInto('counters')
    .values({ one: 1, next_seq: 1 })
    .onConflict((on) => on.doNothing())
    .execute();

  await strict(
    table('postings')
      .addColumn('key', int, (column) => column.notNull())
      .addColumn('leaf_index', int, (column) => column.notNull())
      .addPrimaryKeyConstraint('postings_key', ['key', 'leaf_index']),
    'without rowid',
  ).execute();
  await strict(
    table('successors')
      .addColumn('predecessor', bytes, (column) => column.notNull().primaryKey())
      .addColumn('winner', bytes, (column) => column.notNull()),
    'without rowid',
  ).execute();
  await db.schema.createIndex('successors_winner').ifNotExists().on('successors').column('winner').execute();

  await strict(
    table('blocks')
      .addColumn('hash', 'text', (column) => column.notNull().primaryKey())
      .addColumn('height', int, (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('tree_size', int, (column) => column.notNull())
      .addColumn('count', int, (column) => column.notNull())
      .addColumn('runs', 'text')
      .addColumn('last_seq', int, (column) => column.notNull())
      .addColumn('sealed_ms', int, (column) => column.notNull())
      .addColumn('header', 'text', (column) => column.notNull())
      .addColumn('signatures', 'text', (column) => column.notNull())
      .addColumn('anchor', 'text')
      .addColumn('submission', 'text'),
  ).execute();
  // At most one block of a height is not void.
  await sql`create unique index if not exists blocks_height on blocks (height) where state <> 'void'`.execute(db);
  await sql`create index if not exists blocks_tree_size on blocks (tree_size) where state = 'committed'`.execute(db);
  await sql`create index if not exists blocks_live on blocks (height) where state in ('sealed', 'submitted', 'anchored')`.execute(
    db,
  );

  await strict(
    table('votes')
      .addColumn('slot', int, (column) => column.primaryKey())
      .addColumn('hash', 'text', (column) => column.notNull())
      .addColumn('header', 'text', (column) => column.notNull()),
  ).execute();
  await strict(
    table('events')
      .addColumn('seq', int, (column) => column.primaryKey())
      .addColumn('type', 'text', (column) => column.notNull())
      .addColumn('time', 'text', (column) => column.notNull())
      .addColumn('data', 'text', (column) => column.notNull()),
  ).execute();
  await strict(
    table('api_keys')
      .addColumn('id', 'text', (column) => column.notNull().primaryKey())
      .addColumn('hash', bytes, (column) => column.notNull().unique())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('scopes', 'text', (column) => column.notNull())
      .addColumn('created_at', 'text', (column) => column.notNull())
      .addColumn('revoked_at', 'text'),
  ).execute();
  await strict(
    table('meta')
      .addColumn('name', 'text', (column) => column.notNull().primaryKey())
      .addColumn('value', 'text', (column) => column.notNull()),
  ).execute();
  await strict(
    table('leases')
      .addColumn('name', 'text', (column) => column.notNull().primaryKey())
      .addColumn('owner', 'text', (column) => column.notNull())
      .addColumn('token', int, (column) => column.notNull())
      .addColumn('expires_ms', int, (column) => column.notNull()),
  ).execute();
}
