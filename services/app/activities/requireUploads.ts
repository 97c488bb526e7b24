import type { Attachment } from '../../core/activities/contents.ts';
import type { Hash } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import type { ActivityCaller } from './ActivityDesk.ts';
import type { ActivityHost } from './ActivityHost.ts';

/**
 * Files that a message is to name must be the caller's: put by it and not collected, or named by an activity that it sees. They stay from now on for
 * as long as an upload does.
 * @throws NotariumError `attachment-unknown`.
 */
export async function requireUploads(
  { store, clock }: Pick<ActivityHost, 'store' | 'clock'>,
  { client }: ActivityCaller,
  files: readonly Pick<Attachment, 'sealedDigest'>[],
): Promise<void> {
  if (files.length === 0) return;
  const digests = files.map(({ sealedDigest }) => sealedDigest);
  const touched = await store.touchUploads(digests, clock.nowMs());
  const own = new Set(
    touched.flatMap((each) => (client === undefined || each.owner === client ? [each.sealedDigest] : [])),
  );
  for (const sealedDigest of digests) {
    if (own.has(sealedDigest) || (await isNamed(store, sealedDigest, client))) continue;
    throw new NotariumError('attachment-unknown', 'put the file first', { data: { sealedDigest } });
  }
}

async function isNamed(store: ActivityHost['store'], sealedDigest: Hash, client: string | undefined): Promise<boolean> {
  const names = await store.messagesNaming(sealedDigest);
  if (client === undefined) return names.length > 0;
  for (const id of new Set(names.map(({ activity }) => activity)))
    if ((await store.activity(id))?.owner === client) return true;
  return false;
}
