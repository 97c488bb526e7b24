import { type CompiledQuery, type Insertable, type Selectable, sql } from 'kysely';
import type { Address, Hash } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { runTogether } from '../database.ts';
import type { ActivityChange, NewMessage } from './ActivityStore.ts';
import type { AtRest } from './AtRest.ts';
import type { ActivitySchema } from './migrations.ts';
import { inParts } from './parts.ts';
import type { RecentTexts } from './RecentTexts.ts';
import { messageRow, rowOf } from './rows.ts';
import { summaryQueries, summaryRows } from './summaries.ts';
import { dropTexts, textQueries, textRow } from './texts.ts';
import { unreadQueries } from './unread.ts';
import type { Writing } from './Writing.ts';

type WritingTexts = Writing & { readonly recent: RecentTexts };
type Insert<T extends keyof ActivitySchema> = Insertable<ActivitySchema[T]>;

/** Writes changes of many activities at once; see `ActivityStore.save`. */
export async function writeChanges(writing: WritingTexts, changes: readonly ActivityChange[]): Promise<void> {
  const { trx, engine, atRest } = writing;
  const { queries, recorded } = await messageQueries(writing, changes);
  const outgoing = outgoingOf(writing, changes);
  queries.push(...textQueries(trx, outgoing.texts));
  const firstDelivery = queries.length;
  for (const rows of inParts(outgoing.deliveries)) {
    const insert = trx.insertInto('activity_deliveries').values(rows);
    queries.push(insert.onConflict((on) => on.columns(['seal_digest', 'member']).doNothing()).compile());
  }
  const lastDelivery = queries.length;
  const records = changes.flatMap((change) => change.records ?? []).filter(({ message }) => !recorded.has(message));
  for (const rows of inParts(records)) {
    const values = rows.map(({ message, activity, entry, dueMs }) => ({
      ...{ message, activity, due_ms: dueMs },
      entry: atRest.sealText(activity, rowOf.record(message), entry),
    }));
    const insert = trx.insertInto('activity_records').values(values);
    queries.push(insert.onConflict((on) => on.column('message').doNothing()).compile());
  }
  queries.push(...answerQueries(trx, changes));
  for (const { activity, isLeft } of changes)
    if (isLeft) queries.push(trx.updateTable('activities').set({ is_read: 0 }).where('id', '=', activity).compile());
  for (const { sealDigest, from } of changes.flatMap((change) => change.released ?? [])) {
    const held = trx.deleteFrom('activity_held').where('seal_digest', '=', sealDigest).where('sender', '=', from);
    queries.push(held.compile());
  }
  const results = await runTogether(engine, trx, queries);
  const written = results.slice(firstDelivery, lastDelivery).reduce((sum, { changes: count = 0 }) => sum + count, 0);
  if (written < outgoing.deliveries.length)
    await dropTexts(
      writing,
      outgoing.texts.map(({ id }) => id),
    );
}

function answerQueries(trx: Writing['trx'], changes: readonly ActivityChange[]): CompiledQuery[] {
  const rows = changes.flatMap(({ activity, toAnswer = [] }) => toAnswer.map((message) => ({ activity, message })));
  const answered = changes.flatMap((change) => change.answered ?? []);
  return [
    ...inParts(rows).map((some) =>
      trx
        .insertInto('activity_answers')
        .values(some)
        .onConflict((on) => on.column('message').doNothing())
        .compile(),
    ),
    ...inParts(answered).map((some) => trx.deleteFrom('activity_answers').where('message', 'in', some).compile()),
  ];
}

/** About as many bytes as a change has. */
export function sizeOfChange({ messages = [], outgoing = [], records = [] }: ActivityChange): number {
  const sum = (sizes: readonly number[]): number => sizes.reduce((all, size) => all + size, 0);
  return (
    sum(messages.map(({ parcel }) => parcel.length)) +
    sum(outgoing.map(({ item }) => item.length)) +
    sum(records.map(({ entry }) => entry.length))
  );
}

/** What writes the messages that are new, and which of those that are not have their record. */
async function messageQueries(
  { trx, engine, atRest }: Writing,
  changes: readonly ActivityChange[],
): Promise<{ readonly queries: CompiledQuery[]; readonly recorded: ReadonlySet<Hash> }> {
  const saying = changes.filter(({ messages = [] }) => messages.length > 0);
  const locks = lockQueries(trx, saying);
  const looks = knownQueries(trx, [
    ...saying.flatMap(({ messages = [] }) => messages.map(({ id }) => id)),
    ...changes.flatMap(({ records = [] }) => records.map(({ message }) => message)),
  ]);
  const found = (await runTogether(engine, trx, [...locks, ...looks])).map(({ rows }) => rows);
  const locked = found.slice(0, locks.length).flat() as Selectable<ActivitySchema['activities']>[];
  const known = found.slice(locks.length).flat() as Selectable<ActivitySchema['activity_messages']>[];
  const { messages, payers, names, activities } = newRows(saying, {
    counts: new Map(locked.map(({ id, message_count }) => [id, message_count])),
    known: new Set(known.map(({ id }) => id as Hash)),
    atRest,
  });
  const queries = inParts(messages).map((rows) => trx.insertInto('activity_messages').values(rows).compile());
  const read = new Set(locked.flatMap(({ id, is_read }) => (is_read === 0 ? [] : [id])));
  const unread = messages.filter(({ activity }) => !read.has(activity));
  queries.push(...unreadQueries(trx, unread, payers));
  for (const rows of inParts(names)) {
    queries.push(trx.insertInto('activity_attachments').values(rows).compile());
    const digests = rows.map(({ sealed_digest }) => sealed_digest);
    queries.push(trx.deleteFrom('activity_uploads').where('sealed_digest', 'in', digests).compile());
  }
  for (const rows of inParts(activities)) {
    const later = sql<number>`case when excluded.changed_ms > activities.changed_ms
      then excluded.changed_ms else activities.changed_ms end`;
    const upsert = trx
      .insertInto('activities')
      .values(rows)
      .onConflict((on) =>
        on.column('id').doUpdateSet(({ ref }) => ({ changed_ms: later, message_count: ref('excluded.message_count') })),
      );
    queries.push(upsert.compile());
  }
  queries.push(...summaryQueries(trx, summaryRows(saying, atRest)));
  const recorded = known.flatMap(({ id, record_id }) => (record_id === null ? [] : [id as Hash]));
  return { queries, recorded: new Set(recorded) };
}

/** Makes the activities that are missing; answers how many messages each has, and whether somebody has looked at it. */
function lockQueries(trx: Writing['trx'], saying: readonly ActivityChange[]): CompiledQuery[] {
  const activities = new Map<Hash, Insert<'activities'>>();
  // The order of their ids: two processes that lock several of them do not wait for one another.
  for (const change of saying.toSorted((a, b) => (a.activity < b.activity ? -1 : 1)))
    if (!activities.has(change.activity)) activities.set(change.activity, newActivity(change));
  // What is there is written as it is: it stays locked until the end, so that places come one after the other.
  return inParts([...activities.values()]).map((rows) =>
    trx
      .insertInto('activities')
      .values(rows)
      .onConflict((on) =>
        on.column('id').doUpdateSet(({ ref }) => ({ message_count: ref('activities.message_count') })),
      )
      .returning(['id', 'message_count', 'is_read'])
      .compile(),
  );
}

function newActivity({ activity, owner, nowMs, isRead = false }: ActivityChange): Insert<'activities'> {
  const times = { created_ms: nowMs, changed_ms: nowMs };
  return { id: activity, owner: owner ?? null, ...times, message_count: 0, is_read: isRead ? 1 : 0 };
}

/** The rows of messages that are not known, of what they name, and of the activities that have taken them. */
function newRows(
  saying: readonly ActivityChange[],
  { counts, known, atRest }: { counts: Map<string, number>; known: ReadonlySet<Hash>; atRest: AtRest },
) {
  const taken = new Map<Hash, Insert<'activity_messages'>>();
  const payers = new Map<string, Address>();
  const names: Insert<'activity_attachments'>[] = [];
  const changed = new Map<Hash, Insert<'activities'>>();
  for (const change of saying) {
    const { activity, nowMs, after, messages = [] } = change;
    const have = counts.get(activity);
    if (after !== undefined && after !== have)
      throw new NotariumError('activity-changed', undefined, { data: { activity, have, want: after } });
    for (const message of messages) {
      if (known.has(message.id) || taken.has(message.id)) continue;
      const place = counts.get(activity)!;
      counts.set(activity, place + 1);
      taken.set(message.id, messageRow(message, { activity, place, takenMs: nowMs }, atRest));
      if (message.payer !== undefined) payers.set(message.id, message.payer);
      names.push(...namesOf(message, activity));
      changed.set(activity, { ...newActivity(change), message_count: place + 1 });
    }
  }
  return { messages: [...taken.values()], payers, names, activities: [...changed.values()] };
}

/** Which of the messages are there, and whether the log has their records. */
function knownQueries(trx: Writing['trx'], messages: readonly Hash[]): CompiledQuery[] {
  return inParts([...new Set(messages)]).map((some) =>
    trx.selectFrom('activity_messages').select(['id', 'record_id']).where('id', 'in', some).compile(),
  );
}

function namesOf(
  { id, attachments = [], hasFiles = false }: NewMessage,
  activity: Hash,
): Insert<'activity_attachments'>[] {
  return [...new Set(attachments)].map((sealedDigest) => ({
    ...{ sealed_digest: sealedDigest, message: id, activity, is_here: hasFiles ? 1 : 0 },
  }));
}

function outgoingOf({ atRest, recent }: WritingTexts, changes: readonly ActivityChange[]) {
  const texts = new Map<string, ReturnType<typeof textRow>>();
  const deliveries: Insert<'activity_deliveries'>[] = [];
  for (const { nowMs, outgoing = [] } of changes) {
    for (const { members, ...out } of outgoing) {
      const row = textRow(out, atRest);
      if (members.length > 0) {
        texts.set(row.id, row);
        // By its digest: whatever becomes of the transaction, nothing else goes by that.
        recent.put(row.id, out.item);
      }
      for (const member of members) {
        deliveries.push({
          ...{ seal_digest: out.sealDigest, activity: out.activity, message: out.message, member, state: 'queued' },
          ...{ text_id: row.id, queued_ms: nowMs, tries: 0, next_ms: 0 },
          ...{ ack: null, problem_code: null, problem_detail: null },
        });
      }
    }
  }
  return { texts: [...texts.values()], deliveries };
}
