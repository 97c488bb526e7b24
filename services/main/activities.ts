import { hkdfSync } from 'node:crypto';
import { join } from 'node:path';
import { keepAttachments } from '../app/activities/keepAttachments.ts';
import type { CentreOptions } from '../app/openCentre.ts';
import { openingKey } from '../lib/activities/seal.ts';
import { systemClock } from '../lib/clock.ts';
import type { Keystore } from '../lib/keystore.ts';
import { AttachmentStore } from '../store/activities/AttachmentStore.ts';
import { openActivityStore } from '../store/activities/openActivityStore.ts';
import type { StoreOptions } from '../store/Store.ts';

const maxAttachmentBytes = 2 ** 40;

/** What a centre takes part in private activities with; the store is closed after the centre. */
export type ActivityKit = NonNullable<CentreOptions['activities']>;

/**
 * Opens where a node keeps its private activities: in a folder of its address, since another key in the same data folder is another node.
 * @throws NotariumError as `openActivityStore`.
 */
export async function openActivityKit(
  { dataDir, databaseUrl, s3, logger }: Pick<StoreOptions, 'dataDir' | 'databaseUrl' | 's3' | 'logger'>,
  keys: Pick<Keystore, 'address' | 'nodeKey' | 'encryptionKey'>,
  oldKeys: readonly Uint8Array[],
): Promise<ActivityKit> {
  const folder = join(dataDir, 'activities', keys.address);
  const key = new Uint8Array(hkdfSync('sha256', keys.nodeKey, new Uint8Array(0), 'notarium-activities-at-rest/1', 32));
  const opening = [keys.encryptionKey, ...oldKeys].map(openingKey);
  const store = await openActivityStore({ dataDir: folder, key, logger, ...(databaseUrl ? { databaseUrl } : {}) });
  try {
    const place = { dataDir: folder, maxBytes: maxAttachmentBytes, clock: systemClock, ...(s3 ? { s3 } : {}) };
    return { store, files: keepAttachments(await AttachmentStore.open(place)), keys: opening };
  } catch (error) {
    await store.close();
    throw error;
  }
}
