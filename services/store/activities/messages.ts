import { sql } from 'kysely';
import type { Address, Hash } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import type { ActivityStore, AttachmentName, StoredActivity } from './ActivityStore.ts';
import { firstBytes, inParts } from './parts.ts';
import { activityOf, messageOf } from './rows.ts';
import { summaryOf, summaryQueries, summaryRow } from './summaries.ts';
import { setRead, unreadLoads } from './unread.ts';
import type { ActivityContext } from './Writing.ts';
import { sizeOfChange } from './writeChanges.ts';

type Calls = Pick<
  ActivityStore,
  | (
      | 'save'
      | 'activity'
      | 'knownActivities'
      | 'list'
      | 'setSummary'
      | 'activityIds'
      | 'setOwner'
      | 'setRead'
      | 'unreadLoads'
      | 'messages'
      | 'message'
      | 'known'
      | 'bySeal'
      | 'sentUnder'
      | 'toAnswer'
    )
  | ('namedAttachments' | 'messagesNaming' | 'isFileHere' | 'setHere')
>;

const maxPage = 1000;
const pageBytes = 16 << 20;

/** Activities, their messages, and what these name. */
export function messageCalls(context: ActivityContext): Calls {
  const { reader, writer, atRest, guarded } = context;
  const stored = () => reader.selectFrom('activity_messages').selectAll();
  const namesOf = ({ sealedDigest }: Pick<AttachmentName, 'sealedDigest'>) =>
    reader.selectFrom('activity_attachments').select('is_here').where('sealed_digest', '=', sealedDigest).limit(1);
  return {
    save: (change) => guarded(writer.save(change, sizeOfChange(change))),
    activity: (id) =>
      guarded(
        reader
          .selectFrom('activities')
          .selectAll()
          .where('id', '=', id)
          .executeTakeFirst()
          .then((row) => row && activityOf(row)),
      ),
    knownActivities: (ids) => guarded(idsIn(context, 'activities', ids)),
    list: (query) => guarded(list(context, query)),
    setSummary: (id, summary) =>
      guarded(
        writer.run(async (trx) => {
          const [query] = summaryQueries(trx, [summaryRow(id, summary, atRest)]);
          await trx.executeQuery(query!);
        }),
      ),
    activityIds: (after, limit) => {
      const all = reader.selectFrom('activities').select('id').orderBy('id').limit(Math.min(limit, maxPage));
      const query = after === undefined ? all : all.where('id', '>', after);
      return guarded(query.execute().then((rows) => rows.map(({ id }) => id as Hash)));
    },
    setOwner: (id, owner) =>
      guarded(
        writer.run(async (trx) => {
          await trx
            .updateTable('activities')
            .set({ owner: owner ?? null })
            .where('id', '=', id)
            .execute();
        }),
      ),
    setRead: (id) => guarded(writer.run((trx) => setRead(trx, id))),
    unreadLoads: () => guarded(unreadLoads(context)),
    messages: (activity, fromPlace = 0, limit = maxPage) => guarded(messages(context, activity, fromPlace, limit)),
    message: (id) =>
      guarded(
        stored()
          .where('id', '=', id)
          .executeTakeFirst()
          .then((row) => row && messageOf(row, atRest)),
      ),
    known: (ids) => guarded(idsIn(context, 'activity_messages', ids)),
    bySeal: (sealDigest) =>
      guarded(
        stored()
          .where('seal_digest', '=', sealDigest)
          .limit(1)
          .executeTakeFirst()
          .then((row) => row && messageOf(row, atRest)),
      ),
    sentUnder: (seals) => guarded(sentUnder(context, seals)),
    toAnswer: (after, limit) => {
      const all = reader.selectFrom('activity_answers').selectAll().orderBy('seq').limit(Math.min(limit, maxPage));
      const query = after === undefined ? all : all.where('seq', '>', after);
      return guarded(
        query
          .execute()
          .then((rows) =>
            rows.map(({ seq, message, activity }) => ({ seq, message: message as Hash, activity: activity as Hash })),
          ),
      );
    },
    namedAttachments: (sealedDigests) => guarded(namedAttachments(context, sealedDigests)),
    messagesNaming: (sealedDigest, after) => {
      const query = reader.selectFrom('activity_attachments').selectAll().where('sealed_digest', '=', sealedDigest);
      return guarded(
        (after === undefined ? query : query.where('message', '>', after))
          .orderBy('message')
          .limit(maxPage)
          .execute()
          .then((rows) =>
            rows.map(({ message, activity, is_here }) => ({
              ...{ sealedDigest, message: message as Hash, activity: activity as Hash, isHere: is_here !== 0 },
            })),
          ),
      );
    },
    async isFileHere(name) {
      const rows = namesOf(name).where('activity', '=', name.activity);
      const named = await guarded(rows.where('message', '=', name.message).executeTakeFirst());
      return (
        named !== undefined && (await guarded(rows.where(sql<boolean>`is_here = 1`).executeTakeFirst())) !== undefined
      );
    },
    async setHere(name) {
      const named = await guarded(namesOf(name).where('message', '=', name.message).executeTakeFirst());
      if (named?.is_here !== 0) return;
      const { sealedDigest, message } = name;
      await guarded(
        writer.run(async (trx) => {
          const row = trx.updateTable('activity_attachments').where('sealed_digest', '=', sealedDigest);
          await row.set({ is_here: 1 }).where('message', '=', message).execute();
        }),
      );
    },
  };
}

async function list({ reader, atRest }: ActivityContext, query: Parameters<ActivityStore['list']>[0]) {
  const { owner, after, begins } = query;
  const limit = Math.max(1, Math.min(query.limit, maxPage));
  let rows = reader
    .selectFrom('activities')
    .leftJoin('activity_summaries', (join) => join.onRef('activity', '=', 'id').onRef('at_count', '=', 'message_count'))
    .selectAll('activities')
    .select('text')
    .orderBy('changed_ms', 'desc')
    .orderBy('id', 'desc')
    .limit(limit + 1);
  if (owner !== undefined) rows = rows.where('owner', '=', owner);
  // No digit of an id comes after f.
  if (begins !== undefined) rows = rows.where('id', '>=', begins as Hash).where('id', '<', `${begins}g` as Hash);
  if (after !== undefined) {
    const { changedMs, id } = cursorOf(after);
    rows = rows.where(({ eb, refTuple, tuple }) => eb(refTuple('changed_ms', 'id'), '<', tuple(changedMs, id)));
  }
  const found = await rows.execute();
  const items = found.slice(0, limit).map((row) => {
    const activity = activityOf(row);
    return { ...activity, ...summaryOf(activity.id, row.text, atRest) };
  });
  const last = items.at(-1);
  // Only when one more is known to follow: no cursor to an empty page.
  return { items, ...(last && found.length > limit ? { next: cursorText(last) } : {}) };
}

function cursorText({ changedMs, id }: StoredActivity): string {
  return `${changedMs}-${id}`;
}

function cursorOf(text: string): Pick<StoredActivity, 'changedMs' | 'id'> {
  const match = /^(\d{1,15})-(0x[0-9a-f]{64})$/.exec(text);
  if (!match) throw new NotariumError('request-invalid', 'the cursor is not one of ours');
  return { changedMs: Number(match[1]), id: match[2] as Hash };
}

async function messages({ reader, atRest }: ActivityContext, activity: Hash, fromPlace: number, limit: number) {
  const sizes = await reader
    .selectFrom('activity_messages')
    .select(['place', 'parcel_bytes'])
    .where('activity', '=', activity)
    .where('place', '>=', fromPlace)
    .orderBy('place')
    .limit(Math.max(1, Math.min(limit, maxPage)))
    .execute();
  const last = firstBytes(sizes, pageBytes, ({ parcel_bytes }) => parcel_bytes).at(-1);
  if (!last) return [];
  const rows = await reader
    .selectFrom('activity_messages')
    .selectAll()
    .where('activity', '=', activity)
    .where('place', '>=', fromPlace)
    .where('place', '<=', last.place)
    .orderBy('place')
    .execute();
  return rows.map((row) => messageOf(row, atRest));
}

async function idsIn(
  { reader }: ActivityContext,
  table: 'activities' | 'activity_messages',
  ids: readonly Hash[],
): Promise<Set<Hash>> {
  const rows = inParts(ids).map((some) => reader.selectFrom(table).select('id').where('id', 'in', some).execute());
  return new Set((await Promise.all(rows)).flat().map(({ id }) => id as Hash));
}

async function sentUnder({ reader }: ActivityContext, seals: readonly Hash[]) {
  const query = reader.selectFrom('activity_messages').select(['seal_digest', 'sender', 'activity']);
  const rows = inParts(seals).map((some) => query.where('seal_digest', 'in', some).execute());
  const all = (await Promise.all(rows)).flat();
  return new Map(
    all.map(({ seal_digest: seal, sender, activity }) => [
      seal as Hash,
      { sender: sender as Address, activity: activity as Hash },
    ]),
  );
}

async function namedAttachments({ reader }: ActivityContext, digests: readonly Hash[]): Promise<Set<Hash>> {
  const found = new Set<Hash>();
  for (const some of inParts(digests)) {
    const query = reader.selectFrom('activity_attachments').select('sealed_digest').distinct();
    const rows = await query.where('sealed_digest', 'in', some).execute();
    for (const row of rows) found.add(row.sealed_digest as Hash);
  }
  return found;
}
