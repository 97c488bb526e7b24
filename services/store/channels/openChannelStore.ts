import { join } from 'node:path';
import { type Kysely, sql } from 'kysely';
import type { Hash } from '../../core/bytes.ts';
import { jsonWithAmounts } from '../../core/channels/amount.ts';
import { type SignedBill, signedBillSchema } from '../../core/channels/bill.ts';
import { channelSchema } from '../../core/channels/channel.ts';
import type { BillState } from '../../core/channels/party.ts';
import type { Statement, StatementRole } from '../../core/channels/statement.ts';
import type { Logger } from '../../lib/logger.ts';
import { openBeside } from '../openBeside.ts';
import type { ChannelChange, ChannelStore, StoredBill, StoredChannel } from './ChannelStore.ts';
import { type ChannelSchema, channelMigrations } from './migrations.ts';

type Db = Kysely<ChannelSchema>;
type BillRow = ChannelSchema['bills'];

/** Name of the embedded database in a data folder. */
const channelsFile = 'channels.sqlite';
// Well below SQLite's 32,766 parameters.
const rowsAtOnce = 500;

/**
 * Opens what the sides of evidence channels keep, making what is missing: a SQLite file in the data folder, or tables of a PostgreSQL
 * database. Only one process may have it open.
 * @throws NotariumError `store-version-unsupported`, `channel-store-corrupt`, `storage-full`, `storage-failed`.
 */
export async function openChannelStore(options: {
  readonly dataDir: string;
  readonly databaseUrl?: string;
  readonly logger: Logger;
}): Promise<ChannelStore> {
  const { dataDir, databaseUrl, logger } = options;
  const { db, reader, guarded, close } = await openBeside<ChannelSchema>({
    path: join(dataDir, channelsFile),
    postgres: databaseUrl === undefined ? undefined : { url: databaseUrl, logger },
    migrations: { forEngine: channelMigrations, prefix: 'channels' },
    corrupt: { code: 'channel-store-corrupt' },
  });
  const bills = () => reader.selectFrom('bills').selectAll();
  return {
    channel: (channelId) =>
      guarded(
        reader
          .selectFrom('channels')
          .selectAll()
          .where('channel_id', '=', channelId)
          .executeTakeFirst()
          .then((row) => row && channelOf(row)),
      ),
    channels: ({ role, after, withoutState, limit }) => {
      let query = reader.selectFrom('channels').selectAll().orderBy('channel_id').limit(limit);
      if (role) query = query.where('role', '=', role);
      if (after) query = query.where('channel_id', '>', after);
      if (withoutState) query = query.where('state', '<>', withoutState);
      return guarded(query.execute().then((rows) => rows.map(channelOf)));
    },
    due: (role, at, limit) => {
      const query = reader
        .selectFrom('channels')
        .select('channel_id')
        .where('role', '=', role)
        .where('due_at', '<=', at);
      return guarded(
        query
          .orderBy('due_at')
          .limit(limit)
          .execute()
          .then((rows) => rows.map((row) => row.channel_id as Hash)),
      );
    },
    bill: (channelId, billId) =>
      guarded(
        bills()
          .where('channel_id', '=', channelId)
          .where('bill_id', '=', billId)
          .executeTakeFirst()
          .then((row) => row && billOf(row)),
      ),
    openBills: (channelId) => {
      const query = bills().where('channel_id', '=', channelId);
      return guarded(
        query
          .where(sql<boolean>`state in ('offered', 'locked')`)
          .execute()
          .then((rows) => rows.map(billOf)),
      );
    },
    knownBills: (channelId, billIds) => {
      if (billIds.length === 0) return Promise.resolve([]);
      const query = reader.selectFrom('bills').select('bill_id').where('channel_id', '=', channelId);
      return guarded(
        query
          .where('bill_id', 'in', billIds)
          .execute()
          .then((rows) => rows.map((row) => row.bill_id as Hash)),
      );
    },
    evidence: (channelId, from, limit) => {
      const query = bills().where('channel_id', '=', channelId).where('leaf_index', '>=', from);
      return guarded(
        query
          .orderBy('leaf_index')
          .limit(limit)
          .execute()
          .then((rows) => rows.map(billOf)),
      );
    },
    leafCount: (channelId, before) =>
      guarded(
        reader
          .selectFrom('bills')
          .select(({ fn }) => fn.countAll().as('count'))
          .where('channel_id', '=', channelId)
          .where('leaf_index', '<', before)
          .executeTakeFirstOrThrow()
          .then(({ count }) => Number(count)),
      ),
    billsOf: (channelId, digest, states) => {
      let query = bills().where('digest', '=', digest).where('channel_id', '=', channelId).orderBy('bill_id');
      if (states) query = query.where('state', 'in', states);
      return guarded(query.execute().then((rows) => rows.map(billOf)));
    },
    locksWith: (keyHash) => {
      const query = reader.selectFrom('bills').select('channel_id').distinct().where('key_hash', '=', keyHash);
      return guarded(
        query
          .where(sql<boolean>`state = 'locked'`)
          .execute()
          .then((rows) => rows.map((row) => row.channel_id as Hash)),
      );
    },
    save: (changes) => guarded(db.transaction().execute((trx) => write(trx, changes))),
    close,
  };
}

async function write(trx: Db, changes: readonly ChannelChange[]): Promise<void> {
  // The last word on each counts: a statement may not touch a row twice.
  const channels = new Map<Hash, StoredChannel>();
  const bills = new Map<string, BillRow>();
  const forgotten = new Map<Hash, Hash[]>();
  for (const change of changes) {
    if (change.channel) channels.set(change.channelId, change.channel);
    for (const bill of change.bills ?? []) {
      const row = billRow({ channelId: change.channelId, ...bill });
      const key = `${row.channel_id} ${row.bill_id}`;
      const before = bills.get(key);
      bills.set(key, before ? { ...before, ...said(row) } : row);
    }
    for (const billId of change.forgotten ?? []) {
      bills.delete(`${change.channelId} ${billId}`);
      forgotten.set(change.channelId, [...(forgotten.get(change.channelId) ?? []), billId]);
    }
  }
  for (const [channelId, billIds] of forgotten) {
    for (const ids of inParts(billIds))
      await trx.deleteFrom('bills').where('channel_id', '=', channelId).where('bill_id', 'in', ids).execute();
  }
  for (const rows of inParts([...channels.values()].map(channelRow))) {
    await trx
      .insertInto('channels')
      .values(rows)
      .onConflict((on) =>
        on.column('channel_id').doUpdateSet(({ ref }) => ({
          state: ref('excluded.state'),
          memory: ref('excluded.memory'),
          due_at: ref('excluded.due_at'),
        })),
      )
      .execute();
  }
  for (const rows of inParts([...bills.values()])) {
    await trx
      .insertInto('bills')
      .values(rows)
      .onConflict((on) =>
        on.columns(['channel_id', 'bill_id']).doUpdateSet(({ ref, fn }) => ({
          state: ref('excluded.state'),
          key: fn.coalesce('excluded.key', 'bills.key'),
          first: fn.coalesce('excluded.first', 'bills.first'),
          second: fn.coalesce('excluded.second', 'bills.second'),
          leaf_index: fn.coalesce('excluded.leaf_index', 'bills.leaf_index'),
          note: fn.coalesce('excluded.note', 'bills.note'),
        })),
      )
      .execute();
  }
}

function said(row: BillRow): Partial<BillRow> {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null));
}

function inParts<T>(rows: readonly T[]): T[][] {
  const parts: T[][] = [];
  for (let at = 0; at < rows.length; at += rowsAtOnce) parts.push(rows.slice(at, at + rowsAtOnce));
  return parts;
}

function channelRow({ channelId, role, channel, state, memory, dueAt }: StoredChannel): ChannelSchema['channels'] {
  return { channel_id: channelId, role, channel: jsonWithAmounts(channel), state, memory, due_at: dueAt ?? null };
}

function channelOf(row: ChannelSchema['channels']): StoredChannel {
  return {
    channelId: row.channel_id as Hash,
    role: row.role as StatementRole,
    channel: channelSchema.parse(JSON.parse(row.channel)),
    state: row.state,
    memory: row.memory,
    ...(row.due_at === null ? {} : { dueAt: row.due_at }),
  };
}

// The same bill is saved three times in its life.
const billTexts = new WeakMap<SignedBill, string>();

function textOf(signed: SignedBill): string {
  const known = billTexts.get(signed);
  if (known !== undefined) return known;
  const text = jsonWithAmounts(signed);
  billTexts.set(signed, text);
  return text;
}

function billRow({ channelId, signed, state, key, first, second, leafIndex, note }: StoredBill): BillRow {
  const { id, digest, keyHash } = signed.bill;
  return {
    ...{ channel_id: channelId, bill_id: id, state, digest, key_hash: keyHash, signed: textOf(signed) },
    key: key ?? null,
    first: first ? JSON.stringify(first) : null,
    second: second ? JSON.stringify(second) : null,
    leaf_index: leafIndex ?? null,
    note: note ?? null,
  };
}

function billOf(row: BillRow): StoredBill {
  return {
    channelId: row.channel_id as Hash,
    signed: signedBillSchema.parse(JSON.parse(row.signed)),
    state: row.state as BillState,
    ...(row.key === null ? {} : { key: row.key as Hash }),
    ...(row.first === null ? {} : { first: JSON.parse(row.first) as Statement }),
    ...(row.second === null ? {} : { second: JSON.parse(row.second) as Statement }),
    ...(row.leaf_index === null ? {} : { leafIndex: row.leaf_index }),
    ...(row.note === null ? {} : { note: row.note }),
  };
}
