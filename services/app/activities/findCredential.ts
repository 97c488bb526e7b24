import type { Hash } from '../../core/bytes.ts';
import type { ActivityStore, StoredCredential } from '../../store/activities/ActivityStore.ts';
import type { ActivityCaller } from './ActivityDesk.ts';

const pageSize = 1000;

/** All credentials that the caller may see. */
export async function* credentialsOf(
  store: Pick<ActivityStore, 'credentials'>,
  { client }: ActivityCaller,
): AsyncGenerator<StoredCredential> {
  const owner = client === undefined ? {} : { owner: client };
  for (let after: Hash | undefined; ; ) {
    const page = await store.credentials({ ...owner, ...(after ? { after } : {}), limit: pageSize });
    yield* page;
    if (page.length < pageSize) return;
    after = page.at(-1)!.id;
  }
}

/** The credential with this id; undefined for one that the caller may not see. */
export async function findCredential(
  store: Pick<ActivityStore, 'credential'>,
  by: ActivityCaller,
  id: Hash,
): Promise<StoredCredential | undefined> {
  const found = await store.credential(id);
  return by.client !== undefined && found?.owner !== by.client ? undefined : found;
}
