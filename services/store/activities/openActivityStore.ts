import { join } from 'node:path';
import { noHash } from '../../core/activities/members.ts';
import type { Address } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { openBeside } from '../openBeside.ts';
import type { ActivityChange, ActivityStore, HeldLimits } from './ActivityStore.ts';
import { AtRest } from './AtRest.ts';
import { credentialCalls } from './credentials.ts';
import { deliveryCalls } from './deliveries.ts';
import { GroupWriter } from './GroupWriter.ts';
import { defaultHeldLimits, heldCalls } from './heldMessages.ts';
import { isOwnFault } from './isOwnFault.ts';
import { messageCalls } from './messages.ts';
import { type ActivitySchema, activityMigrations } from './migrations.ts';
import { RecentTexts } from './RecentTexts.ts';
import { recordCalls } from './records.ts';
import { uploadCalls } from './uploads.ts';
import type { ActivityDb } from './Writing.ts';
import { writeChanges } from './writeChanges.ts';

/** Name of the embedded database in a data folder. */
export const activitiesFile = 'activities.db';
const proofRow = 'activity_key/1';
const proofText = 'notarium-activities/1';

/**
 * Opens what a node keeps of its private activities, making what is missing: a SQLite file in the data folder, or tables of a PostgreSQL
 * database. Several processes may have a PostgreSQL database open, once the first has made it; a file is for one alone, for SQLite lets a
 * busy writer keep the others out for longer than they wait.
 * @param options.key 32 bytes: what is said in activities is encrypted under it.
 * @param options.node Whose activities they are: in PostgreSQL each node has a schema of its own, as it has a data folder on the disk. A
 *   centre that gets another key is another node, and begins with nothing.
 * @throws NotariumError `activity-store-key-wrong`, `activity-store-corrupt`, `store-version-unsupported`, `storage-full`,
 *   `storage-failed`; RangeError for a key of another length.
 */
export async function openActivityStore(options: {
  readonly dataDir: string;
  readonly databaseUrl?: string;
  readonly key: Uint8Array;
  readonly node?: Address;
  readonly logger: Logger;
  readonly heldLimits?: HeldLimits;
}): Promise<ActivityStore> {
  const { dataDir, databaseUrl, key, node, logger, heldLimits = defaultHeldLimits } = options;
  const atRest = new AtRest(key);
  const schema = node === undefined || databaseUrl === undefined ? undefined : `notarium_${node}`;
  const { engine, db, reader, guarded, close } = await openBeside<ActivitySchema>({
    path: join(dataDir, activitiesFile),
    postgres: databaseUrl === undefined ? undefined : { url: databaseUrl, logger },
    migrations: { forEngine: activityMigrations, prefix: 'activities', schema },
    corrupt: { code: 'activity-store-corrupt', data: { row: '' } },
  });
  try {
    await guarded(checkKey(db, atRest));
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
  const recent = new RecentTexts();
  const writer = new GroupWriter<ActivityDb, ActivityChange>({
    transaction: (work) => db.transaction().execute(work),
    write: (trx, changes) => writeChanges({ trx, engine, atRest, recent }, changes),
    isOwnFault,
  });
  const context = { engine, reader, atRest, recent, writer, guarded };
  return {
    isShared: engine === 'postgres',
    ...messageCalls(context),
    ...recordCalls(context),
    ...deliveryCalls(context),
    ...heldCalls(context, heldLimits, logger),
    ...credentialCalls(context),
    ...uploadCalls(context),
    close: async () => {
      await writer.close();
      await close();
    },
  };
}

/** The first key that opens a database is its key for ever. */
async function checkKey(db: ActivityDb, atRest: AtRest): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await trx
      .insertInto('activity_key')
      .values({ id: 1, proof: atRest.sealText(noHash, proofRow, proofText) })
      .onConflict((on) => on.column('id').doNothing())
      .execute();
    const { proof } = await trx.selectFrom('activity_key').select('proof').executeTakeFirstOrThrow();
    try {
      atRest.openText(noHash, proofRow, proof);
    } catch (cause) {
      throw new NotariumError('activity-store-key-wrong', undefined, { cause });
    }
  });
}
