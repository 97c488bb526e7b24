import { type CompiledQuery, type RawBuilder, sql } from 'kysely';
import type { Address, Hash } from '../../core/bytes.ts';
import { runTogether } from '../database.ts';
import type { ActivityStore, Delivery } from './ActivityStore.ts';
import { corrupt } from './AtRest.ts';
import { firstBytes, inParts } from './parts.ts';
import { deliveryOf, detailText, rowOf } from './rows.ts';
import { dropTexts, textQueries, textRow } from './texts.ts';
import type { ActivityContext, ActivityDb, Writing } from './Writing.ts';

type Calls = Pick<
  ActivityStore,
  | 'waiting'
  | 'queued'
  | 'nextTry'
  | 'endPauses'
  | 'delivered'
  | 'replaceQueued'
  | 'deliveries'
  | 'refused'
  | 'oldestQueued'
>;
type Outcome = Parameters<ActivityStore['delivered']>[0][number];
type Pauses = NonNullable<Parameters<ActivityStore['queued']>[3]>;
type Next = Parameters<ActivityStore['replaceQueued']>[2];

const maxPage = 1000;
const columns = [
  ...(['seq', 'seal_digest', 'activity', 'message', 'member', 'state', 'text_id'] as const),
  ...(['queued_ms', 'tries', 'ack', 'problem_code', 'problem_detail'] as const),
] as const;
const isQueued = sql<boolean>`state = 'queued'`;

/** A state is never followed by one that stands before it. */
const order: readonly Delivery['state'][] = ['queued', 'delivered', 'refused', 'read'];

/** What is on its way to members. */
export function deliveryCalls(context: ActivityContext): Calls {
  const { reader, writer, engine, atRest, guarded } = context;
  return {
    waiting: () => guarded(waiting(reader)),
    queued: (member, limit, maxBytes, { nowMs, longestMs } = { nowMs: Number.MAX_SAFE_INTEGER, longestMs: 0 }) =>
      guarded(queued(context, member, { limit, maxBytes, nowMs, longestMs })),
    nextTry: async (member) => {
      const query = reader.selectFrom('activity_deliveries').select(({ fn }) => fn.min('next_ms').as('next'));
      const row = await guarded(query.where('member', '=', member).where(isQueued).executeTakeFirst());
      return row?.next ?? undefined;
    },
    endPauses: (member) =>
      guarded(
        writer.run(async (trx) => {
          const mine = trx.updateTable('activity_deliveries').set({ next_ms: 0 }).where('member', '=', member);
          await mine.where(isQueued).where('next_ms', '>', 0).execute();
        }),
      ),
    delivered: (outcomes) =>
      outcomes.length === 0
        ? Promise.resolve()
        : guarded(writer.run((trx) => writeOutcomes({ trx, engine, atRest }, outcomes))),
    replaceQueued: (member, sealDigest, next) =>
      guarded(writer.run((trx) => replaceQueued({ trx, engine, atRest }, member, sealDigest, next))),
    deliveries: (activity, message, { after = 0, limit = maxPage } = {}) => {
      const all = reader.selectFrom('activity_deliveries').select(columns).orderBy('seq');
      const query =
        message === undefined
          ? all.where('activity', '=', activity).where('seq', '>', after).limit(Math.min(limit, maxPage))
          : all.where('activity', '=', activity).where('message', '=', message);
      return guarded(query.execute().then((rows) => rows.map(deliveryOf)));
    },
    refused: async (activity, limit) => {
      const query = reader
        .selectFrom('activity_deliveries')
        .select('message')
        .where('activity', '=', activity)
        .where(sql<boolean>`state = 'refused'`)
        .groupBy('message')
        .orderBy(({ fn }) => fn.max('seq'), 'desc')
        .limit(Math.min(limit, maxPage));
      return (await guarded(query.execute())).map(({ message }) => message as Hash);
    },
    oldestQueued: () => guarded(oldestQueued(reader)),
  };
}

/** Steps from member to member through the index, however much is queued for each. */
async function waiting(reader: ActivityDb): Promise<Address[]> {
  const { rows } = await sql<{ member: string | null }>`
    with recursive waiting(member) as (
      select (select member from activity_deliveries where state = 'queued' order by member limit 1)
      union all
      select (select member from activity_deliveries where state = 'queued' and member > waiting.member
        order by member limit 1)
      from waiting where waiting.member is not null
    ) select member from waiting where member is not null`.execute(reader);
  return rows.map(({ member }) => member as Address);
}

async function queued(
  { reader, atRest, recent }: ActivityContext,
  member: Address,
  { limit, maxBytes, nowMs, longestMs }: Pauses & { readonly limit: number; readonly maxBytes: number },
): ReturnType<ActivityStore['queued']> {
  const rows = await reader
    .selectFrom('activity_deliveries')
    .leftJoin('activity_texts', 'activity_texts.id', 'activity_deliveries.text_id')
    .select(columns.map((column) => `activity_deliveries.${column}` as const))
    .select('activity_texts.text_bytes')
    .where('member', '=', member)
    .where(isQueued)
    // The clock was set back: nothing was to wait so long.
    .where(({ eb, or }) => or([eb('next_ms', '<=', nowMs), eb('next_ms', '>', nowMs + longestMs)]))
    .orderBy('seq')
    .limit(Math.min(limit, maxPage))
    .execute();
  const lost = rows.find(({ text_bytes }) => text_bytes === null);
  if (lost) throw lostText(lost, member);
  const fitting = firstBytes(rows, maxBytes, ({ text_bytes }) => text_bytes!);
  const texts = new Map<string, Uint8Array>();
  const unknown = new Set<string>();
  for (const { text_id } of fitting) {
    const text = recent.get(text_id);
    if (text === undefined) unknown.add(text_id);
    else texts.set(text_id, text);
  }
  for (const some of inParts([...unknown])) {
    const found = await reader.selectFrom('activity_texts').selectAll().where('id', 'in', some).execute();
    for (const { id, activity, text } of found) {
      try {
        texts.set(id, atRest.open(activity as Hash, rowOf.text(id), text));
      } catch (cause) {
        throw lostText(fitting.find(({ text_id }) => text_id === id)!, member, cause);
      }
    }
  }
  return fitting.flatMap((row) => {
    const item = texts.get(row.text_id);
    // Between the two queries somebody has noted that it was delivered.
    if (!item) return [];
    // A member acknowledges what is queued no longer: what stands there is damage, and nothing to stop for.
    return [{ ...deliveryOf({ ...row, ack: null }), item }];
  });
}

/** Names the delivery, so that whoever delivers can give it up, or seal it anew. */
function lostText(
  row: { readonly seal_digest: string; readonly activity: string; readonly message: string; readonly text_id: string },
  member: Address,
  cause?: unknown,
): Error {
  const error = corrupt(rowOf.text(row.text_id), cause);
  const { seal_digest: sealDigest, activity, message } = row;
  Object.assign(error.data, { sealDigest, member, activity, message });
  return error;
}

async function writeOutcomes(writing: Writing, outcomes: readonly Outcome[]): Promise<void> {
  const keyOf = ({ sealDigest, member }: Outcome): string => `${sealDigest}/${member}`;
  // One after the other where the same delivery is there twice.
  const isEachOnce = new Set(outcomes.map(keyOf)).size === outcomes.length;
  const parts = isEachOnce ? inParts(outcomes) : outcomes.map((outcome) => [outcome]);
  const queries = parts.map((some) => outcomesQuery(writing.trx, some));
  const results = await runTogether(writing.engine, writing.trx, queries);
  const changed = results.flatMap(({ rows }) => rows as { readonly text_id: string; readonly state: string }[]);
  await dropTexts(
    writing,
    changed.flatMap(({ text_id, state }) => (state === 'queued' ? [] : [text_id])),
  );
}

/** Answers what has become of them, with the texts that may not be needed any more. */
function outcomesQuery(trx: ActivityDb, outcomes: readonly Outcome[]): CompiledQuery {
  const rows = outcomes.map(({ sealDigest, member, state, ack, problem, nextMs = null }) => {
    const [code, detail] = problem ? [problem.code, detailText(problem.detail)] : [null, null];
    return sql`(${sealDigest}, ${member}, ${state}, ${ack ? JSON.stringify(ack) : null}, ${code}, ${detail}, cast(${nextMs} as bigint))`;
  });
  return sql`
    with outcome(seal_digest, member, state, ack, problem_code, problem_detail, next_ms) as (values ${sql.join(rows)})
    update activity_deliveries set
      state = outcome.state,
      ack = coalesce(outcome.ack, activity_deliveries.ack),
      problem_code = outcome.problem_code,
      problem_detail = outcome.problem_detail,
      tries = activity_deliveries.tries + case when outcome.next_ms is null then 0 else 1 end,
      next_ms = coalesce(outcome.next_ms, activity_deliveries.next_ms)
    from outcome
    where activity_deliveries.seal_digest = outcome.seal_digest
      and activity_deliveries.member = outcome.member
      and ${rankOf('activity_deliveries.state')} <= ${rankOf('outcome.state')}
    returning activity_deliveries.text_id, activity_deliveries.state`.compile(trx);
}

/** How far a state has come. */
function rankOf(column: string): RawBuilder<number> {
  const cases = order.map((state, rank) => sql`when ${sql.lit(state)} then ${sql.lit(rank)}`);
  return sql`case ${sql.ref(column)} ${sql.join(cases, sql` `)} end`;
}

async function replaceQueued(writing: Writing, member: Address, sealDigest: Hash, next: Next): Promise<void> {
  const { trx } = writing;
  const mine = trx
    .selectFrom('activity_deliveries')
    .select(['seq', 'text_id'])
    .where('seal_digest', '=', sealDigest)
    .where('member', '=', member)
    .where(isQueued);
  const old = await (writing.engine === 'postgres' ? mine.forUpdate() : mine).executeTakeFirst();
  if (!old) return;
  const text = textRow(next, writing.atRest);
  for (const query of textQueries(trx, [text])) await trx.executeQuery(query);
  if (next.sealDigest !== sealDigest) {
    const other = await trx
      .selectFrom('activity_deliveries')
      .select('seq')
      .where('seal_digest', '=', next.sealDigest)
      .where('member', '=', member)
      .executeTakeFirst();
    // It is on its way with that seal already.
    if (other) {
      await trx.deleteFrom('activity_deliveries').where('seq', '=', old.seq).execute();
      await dropTexts(writing, [old.text_id, text.id]);
      return;
    }
  }
  await trx
    .updateTable('activity_deliveries')
    .set({ seal_digest: next.sealDigest, activity: next.activity, message: next.message, text_id: text.id })
    .where('seq', '=', old.seq)
    .execute();
  await dropTexts(writing, [old.text_id]);
}

async function oldestQueued(reader: ActivityDb): ReturnType<ActivityStore['oldestQueued']> {
  const rows = await reader
    .selectFrom('activity_deliveries')
    .select(({ fn }) => ['member', fn.min('queued_ms').as('queued_ms'), fn.countAll<number>().as('count')])
    .where(isQueued)
    .groupBy('member')
    .orderBy('queued_ms')
    .execute();
  return rows.map(({ member, queued_ms, count }) => ({ member: member as Address, queuedMs: queued_ms, count }));
}
