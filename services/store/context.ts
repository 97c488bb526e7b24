import { NotariumError } from '../core/errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { BlockCache } from './BlockCache.ts';
import { type Database, type Db, lockCounters } from './database.ts';
import type { LogFiles } from './logFiles.ts';
import type { LogReader } from './logReader.ts';
import type { NewEvent, WriteOptions } from './WriteOptions.ts';

/** What the parts of an open store share. */
export type StoreContext = Database & {
  readonly files: LogFiles;
  /** Folder for entries that are not yet known to be right. */
  readonly spoolDir: string;
  readonly log: LogReader;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Committed blocks in memory; another one when blocks are orphaned, so that what is being read meanwhile is not kept. */
  blocksByLeaf: BlockCache;
  /** Size of the committed log as last seen; it only grows, but for roll-backs. */
  logSize: number;
  /** How often the log has been taken back, as last seen: what was read before is of another log. */
  rollBacks: number;
};

/**
 * Runs a write transaction: checks the lease first, appends the events last.
 * @throws NotariumError `storage-failed` when the lease has been lost.
 */
export async function write<T>(
  context: StoreContext,
  options: WriteOptions | undefined,
  fn: (trx: Db) => Promise<T>,
): Promise<T> {
  const { lease, event, events = event ? [event] : [] } = options ?? {};
  return context.db.transaction().execute(async (trx) => {
    if (lease) {
      const held = await trx.selectFrom('leases').select('token').where('name', '=', lease.name).executeTakeFirst();
      if (held?.token !== lease.token) {
        throw new NotariumError('storage-failed', `the lease ${lease.name} was lost to another process`);
      }
    }
    const result = await fn(trx);
    for (const each of events) await appendEvent(context, trx, each);
    return result;
  });
}

/** Appends an event within a transaction; its number follows the last one without a gap. */
export async function appendEvent(context: StoreContext, trx: Db, event: NewEvent): Promise<number> {
  const { last_event } = await lockCounters(context.engine, trx);
  const seq = last_event + 1;
  const { type, time } = event;
  await trx
    .insertInto('events')
    .values({ seq, type, time, data: JSON.stringify(event.data) })
    .execute();
  await trx.updateTable('counters').set({ last_event: seq }).execute();
  return seq;
}
