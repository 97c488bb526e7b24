import { hkdfSync } from 'node:crypto';
import { join } from 'node:path';
import type { ActivitySettings } from '../app/activities/ActivityHost.ts';
import { keepAttachments } from '../app/activities/keepAttachments.ts';
import type { CentreOptions } from '../app/openCentre.ts';
import { openingKey } from '../lib/activities/seal.ts';
import { systemClock } from '../lib/clock.ts';
import type { Keystore } from '../lib/keystore.ts';
import { AttachmentStore } from '../store/activities/AttachmentStore.ts';
import { openActivityStore } from '../store/activities/openActivityStore.ts';
import type { StoreOptions } from '../store/Store.ts';

const maxAttachmentBytes = 2 ** 40;

/** In the data folder: below it a folder for each key that the node has had. */
export const activitiesFolder = 'activities';

/** What {@link openActivityKit} is told. */
type ActivityKitOptions = Pick<StoreOptions, 'dataDir' | 'databaseUrl' | 's3' | 'logger'> & {
  readonly attachmentsUrl?: string;
  readonly activities?: Partial<ActivitySettings>;
};

/** What a centre takes part in private activities with; the store is closed after the centre. */
export type ActivityKit = NonNullable<CentreOptions['activities']>;

/**
 * Opens where a node keeps its private activities: in a folder (PostgreSQL: a schema) of its address, since another key is another node. What
 * was kept under the key before stays there, unread.
 * @throws NotariumError as `openActivityStore`.
 */
export async function openActivityKit(
  { dataDir, databaseUrl, attachmentsUrl, activities = {}, s3, logger }: ActivityKitOptions,
  keys: Pick<Keystore, 'address' | 'nodeKey' | 'encryptionKey'>,
  oldKeys: readonly Uint8Array[],
): Promise<ActivityKit> {
  const { address: node } = keys;
  const folder = join(dataDir, activitiesFolder, node);
  const key = new Uint8Array(hkdfSync('sha256', keys.nodeKey, new Uint8Array(0), 'notarium-activities-at-rest/1', 32));
  const opening = [keys.encryptionKey, ...oldKeys].map(openingKey);
  const store = await openActivityStore({
    dataDir: folder,
    key,
    node,
    logger,
    ...(databaseUrl ? { databaseUrl } : {}),
  });
  try {
    const place = { dataDir: folder, maxBytes: maxAttachmentBytes, clock: systemClock, url: attachmentsUrl, s3 };
    return {
      ...{ store, files: keepAttachments(await AttachmentStore.open(place)), keys: opening },
      settings: activities,
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}
