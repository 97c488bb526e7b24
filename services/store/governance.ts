import { sql } from 'kysely';
import type { Hash } from '../core/bytes.ts';
import { appendEvent, type StoreContext, write } from './context.ts';
import { type Db, lockCounters } from './database.ts';
import type {
  GovernanceStore,
  NewNotice,
  NoticeCheckpoint,
  Projection,
  StoredNotice,
  StoredProjection,
} from './GovernanceStore.ts';
import type { Schema } from './schema.ts';

/** Checkpoints that are kept: a reorganisation that is deeper is read from the beginning, which is slow but as right. */
const keptCheckpoints = 512;

/** The part of `Store` about what the chain said of proposals and resource sets. */
export function governance(context: StoreContext): GovernanceStore {
  const { db, reader } = context;
  return {
    async noticeCheckpoints(limit = keptCheckpoints) {
      const query = db.selectFrom('notice_checkpoints').selectAll().orderBy('block_number', 'desc').limit(limit);
      const rows = await query.execute();
      return rows.map((row) => ({ blockNumber: row.block_number, blockHash: row.block_hash as Hash }));
    },

    async noticesAbout(subject) {
      const query = db.selectFrom('notices').selectAll().where('subject', '=', subject).where('is_orphaned', '=', 0);
      return (await query.orderBy('block_number').orderBy('log_index').orderBy('seq').execute()).map(noticeOf);
    },

    async subjectsAbove(blockNumber) {
      const query = db.selectFrom('notices').select('subject').distinct();
      const rows = await query.where('block_number', '>', blockNumber).where('is_orphaned', '=', 0).execute();
      return rows.map(({ subject }) => subject);
    },

    async saveNotices({ checkpoint, notices, projections }, options) {
      await write(context, options, async (trx) => {
        // Locks: of several processes one at a time counts on.
        await lockCounters(context.engine, trx);
        await insertNotices(context, trx, notices);
        await project(trx, projections);
        await insertCheckpoint(trx, checkpoint);
      });
    },

    async dueSubjects(seconds, limit) {
      const query = db.selectFrom('projections').select('subject').where('due_at', '<=', seconds);
      return (await query.orderBy('due_at').limit(limit).execute()).map(({ subject }) => subject);
    },

    async rewindNotices({ toBlock, projections }, options) {
      await write(context, options, async (trx) => {
        await lockCounters(context.engine, trx);
        await trx.updateTable('notices').set({ is_orphaned: 1 }).where('block_number', '>', toBlock).execute();
        await trx.deleteFrom('notice_checkpoints').where('block_number', '>', toBlock).execute();
        await project(trx, projections);
      });
    },

    async governanceEvents(afterSeq, limit, type) {
      const query = reader.selectFrom('notices').selectAll().where('seq', '>', afterSeq).where('is_orphaned', '=', 0);
      const some = type === undefined ? query : query.where('type', '=', type);
      return (await some.orderBy('seq').limit(limit).execute()).map(noticeOf);
    },

    async projection(subject) {
      const row = await reader
        .selectFrom('projections')
        .selectAll()
        .where('subject', '=', subject)
        .where('body', 'is not', null)
        .executeTakeFirst();
      return row && projectionOf(row);
    },

    async projections({ kind, beforeSeq, prefix, limit }) {
      let query = reader.selectFrom('projections').selectAll().where('kind', '=', kind).where('body', 'is not', null);
      if (beforeSeq !== undefined) query = query.where('seq', '<', beforeSeq);
      // Not by `like`: what stands in a name may be a pattern.
      if (prefix !== undefined) query = query.where(sql`substr(subject, 1, ${prefix.length})`, '=', prefix);
      return (await query.orderBy('seq', 'desc').limit(limit).execute()).map(projectionOf);
    },

    async addContent(hash, sizeBytes) {
      await db
        .insertInto('contents')
        .values({ hash, size_bytes: sizeBytes })
        .onConflict((on) => on.doNothing())
        .execute();
    },

    async hasContent(hash) {
      const query = reader.selectFrom('contents').select('hash').where('hash', '=', hash);
      return (await query.executeTakeFirst()) !== undefined;
    },
  };
}

async function insertNotices(context: StoreContext, trx: Db, notices: readonly NewNotice[]): Promise<void> {
  const last = await trx
    .selectFrom('notices')
    .select((from) => from.fn.max('seq').as('seq'))
    .executeTakeFirstOrThrow();
  let seq = Number(last.seq ?? 0);
  for (const { identity, subject, type, place, data, event } of notices) {
    const at = {
      block_number: place.blockNumber,
      log_index: place.logIndex,
      place: JSON.stringify(place),
      data: JSON.stringify(data),
      is_orphaned: 0,
    };
    const known = await trx.updateTable('notices').set(at).where('identity', '=', identity).executeTakeFirst();
    if (known.numUpdatedRows > 0n) continue;
    await trx
      .insertInto('notices')
      .values({ seq: ++seq, identity, subject, type, ...at })
      .execute();
    if (event) await appendEvent(context, trx, event);
  }
}

async function project(trx: Db, projections: readonly Projection[]): Promise<void> {
  for (const { subject, kind, body, dueAt = null } of projections) {
    const first = await trx
      .selectFrom('notices')
      .select((from) => from.fn.min('seq').as('seq'))
      .where('subject', '=', subject)
      .executeTakeFirstOrThrow();
    const text = body === undefined ? null : JSON.stringify(body);
    await trx
      .insertInto('projections')
      .values({ subject, kind, seq: Number(first.seq ?? 0), body: text, due_at: dueAt })
      .onConflict((on) => on.column('subject').doUpdateSet({ body: text, due_at: dueAt }))
      .execute();
  }
}

async function insertCheckpoint(trx: Db, { blockNumber, blockHash }: NoticeCheckpoint): Promise<void> {
  await trx
    .insertInto('notice_checkpoints')
    .values({ block_number: blockNumber, block_hash: blockHash })
    .onConflict((on) => on.column('block_number').doUpdateSet({ block_hash: blockHash }))
    .execute();
  const oldest = await trx
    .selectFrom('notice_checkpoints')
    .select('block_number')
    .orderBy('block_number', 'desc')
    .offset(keptCheckpoints)
    .limit(1)
    .executeTakeFirst();
  if (!oldest) return;
  await trx.deleteFrom('notice_checkpoints').where('block_number', '<=', oldest.block_number).execute();
}

function noticeOf({ seq, identity, subject, type, place, data, is_orphaned }: Schema['notices']): StoredNotice {
  return {
    seq,
    identity,
    subject,
    type,
    place: JSON.parse(place) as StoredNotice['place'],
    data: JSON.parse(data) as StoredNotice['data'],
    isOrphaned: is_orphaned === 1,
  };
}

function projectionOf({ subject, kind, seq, body }: Schema['projections']): StoredProjection {
  return { subject, kind: kind as Projection['kind'], seq, body: JSON.parse(body!) as StoredProjection['body'] };
}
