import { type Selectable, type SelectQueryBuilder, sql } from 'kysely';
import type { Address, Hash } from '../../core/bytes.ts';
import type { Logger } from '../../lib/logger.ts';
import type { ActivityStore, HeldLimits, HeldMessage, HeldName } from './ActivityStore.ts';
import type { ActivitySchema } from './migrations.ts';
import { inParts } from './parts.ts';
import { heldOf, rowOf } from './rows.ts';
import type { ActivityContext, ActivityDb, Writing } from './Writing.ts';

type HeldRow = Selectable<ActivitySchema['activity_held']>;
type Load = { readonly sender: string; readonly count: number; readonly sizeBytes: number };

/** Enough for what comes in another order; a sender that is far ahead sends again what went. */
export const defaultHeldLimits: HeldLimits = {
  perSender: 256,
  perSenderBytes: 24 << 20,
  late: 16,
  lateBytes: 8 << 20,
  total: 4096,
  totalBytes: 96 << 20,
};

/** Messages that came too early. */
export function heldCalls(
  { reader, writer, engine, atRest, guarded }: ActivityContext,
  limits: HeldLimits,
  logger: Logger,
): Pick<ActivityStore, 'hold' | 'held' | 'heldActivities'> {
  const readable = async (rows: readonly HeldRow[]): Promise<HeldMessage[]> => {
    const read: HeldMessage[] = [];
    for (const row of rows) {
      try {
        read.push(heldOf(row, atRest));
      } catch (error) {
        logger.error({ err: error, from: row.sender }, 'a message that came too early is damaged and given up');
        await writer.run((trx) => trx.deleteFrom('activity_held').where('seq', '=', row.seq).execute());
      }
    }
    return read;
  };
  return {
    hold: async (held, isLate = false) => {
      const dropped = await guarded(writer.run((trx) => hold({ trx, engine, atRest }, held, { ...limits, isLate })));
      if (dropped > 0)
        logger.warn({ dropped, from: held.from }, 'messages that came too early were given up: too many');
    },
    held: (activity, isWanted) => {
      const all = reader.selectFrom('activity_held').orderBy('seq');
      const query = activity === undefined ? all : all.where('activity', '=', activity);
      return guarded(
        (isWanted ? rowsOf(reader, query, isWanted) : query.selectAll().execute()).then((rows) => readable(rows)),
      );
    },
    heldActivities: () => {
      const query = reader.selectFrom('activity_held').select('activity').distinct();
      return guarded(query.execute().then((rows) => rows.map(({ activity }) => activity as Hash)));
    },
  };
}

async function rowsOf(
  reader: ActivityDb,
  query: SelectQueryBuilder<ActivitySchema, 'activity_held', object>,
  isWanted: (name: HeldName) => boolean,
): Promise<HeldRow[]> {
  const names = await query.select(['seq', 'seal_digest', 'sender', 'held_ms']).execute();
  const wanted = names.filter(({ seal_digest, sender, held_ms }) =>
    isWanted({ sealDigest: seal_digest as Hash, from: sender as Address, heldMs: held_ms }),
  );
  const rows: HeldRow[] = [];
  for (const some of inParts(wanted.map(({ seq }) => seq))) {
    const these = reader.selectFrom('activity_held').selectAll().where('seq', 'in', some);
    rows.push(...(await these.orderBy('seq').execute()));
  }
  return rows;
}

/** Answers how many were given up for it. */
async function hold(
  { trx, atRest }: Writing,
  held: HeldMessage,
  limits: HeldLimits & { readonly isLate: boolean },
): Promise<number> {
  const { sealDigest, activity, from, item, heldMs } = held;
  const row = {
    ...{ seal_digest: sealDigest, activity, sender: from, held_ms: heldMs },
    text: atRest.seal(activity, rowOf.held(sealDigest, from), item),
    text_bytes: item.length,
  };
  const { numInsertedOrUpdatedRows } = await trx
    .insertInto('activity_held')
    .values(row)
    .onConflict((on) => on.columns(['seal_digest', 'sender']).doNothing())
    .executeTakeFirstOrThrow();
  if (!numInsertedOrUpdatedRows) return 0;
  const { perSender, perSenderBytes } = limits;
  let dropped = await dropOldest(trx, from, { least: 1, count: perSender, sizeBytes: perSenderBytes });
  if (limits.isLate)
    dropped += await dropOldest(trx, from, { least: 1, count: limits.late, sizeBytes: limits.lateBytes }, activity);
  for (;;) {
    const loads = await loadsOf(trx);
    const count = loads.reduce((sum, load) => sum + load.count, 0);
    const sizeBytes = loads.reduce((sum, load) => sum + load.sizeBytes, 0);
    if (count <= limits.total && sizeBytes <= limits.totalBytes) return dropped;
    const share = (load: Load): number => Math.max(load.count / limits.total, load.sizeBytes / limits.totalBytes);
    const largest = loads.reduce((most, load) => (share(load) > share(most) ? load : most));
    dropped += await dropOldest(trx, largest.sender, {
      least: 0,
      count: largest.count - Math.max(0, count - limits.total),
      sizeBytes: largest.sizeBytes - Math.max(0, sizeBytes - limits.totalBytes),
    });
  }
}

async function loadsOf(trx: Writing['trx']): Promise<Load[]> {
  const rows = await trx
    .selectFrom('activity_held')
    .select(({ fn }) => ['sender', fn.countAll<number>().as('count')])
    .select(sql<number>`cast(sum(text_bytes) as bigint)`.as('sizeBytes'))
    .groupBy('sender')
    .execute();
  return rows;
}

/** Keeps the newest of a sender, at most so many and of so many bytes; answers how many went. */
async function dropOldest(
  trx: Writing['trx'],
  sender: string,
  keep: { readonly least: number; readonly count: number; readonly sizeBytes: number },
  activity?: Hash,
): Promise<number> {
  const all = trx
    .selectFrom('activity_held')
    .select(['seq', 'text_bytes'])
    .where('sender', '=', sender)
    .orderBy('seq', 'desc');
  const rows = await (activity === undefined ? all : all.where('activity', '=', activity)).execute();
  let sizeBytes = 0;
  const kept = rows.findIndex(({ text_bytes }, index) => {
    sizeBytes += text_bytes;
    return index >= keep.least && (index >= keep.count || sizeBytes > keep.sizeBytes);
  });
  const gone = kept < 0 ? [] : rows.slice(kept);
  for (const some of inParts(gone.map(({ seq }) => seq)))
    await trx.deleteFrom('activity_held').where('seq', 'in', some).execute();
  return gone.length;
}
