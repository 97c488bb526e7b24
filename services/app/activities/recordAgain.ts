import { certificateDigest, certificateSalt, makeCertificate } from '../../core/activities/certificate.ts';
import { blindedGroup } from '../../core/activities/sealed.ts';
import type { Hash, RecordId } from '../../core/bytes.ts';
import type { PendingRecord } from '../../store/activities/ActivityStore.ts';
import { messageOf } from './Activities.ts';
import type { ActivityParts } from './ActivityParts.ts';
import { makeRecord } from './makeRecord.ts';
import { recordOf } from './recordOf.ts';

const atOnce = 256;

type Parts = Pick<ActivityParts, 'store' | 'activities' | 'network' | 'crypto' | 'clock' | 'settings' | 'search'>;

/**
 * The record of a message of this node, or of a certificate that it has made, made anew: another signature under the same subject and digest.
 * Where a backup was brought back the log may have it already.
 * @returns The record, or the id of the one that the log has; undefined where neither is there any more.
 * @throws NotariumError `activity-store-corrupt` where what it is made of is damaged, too.
 */
export async function recordAgain(
  parts: Parts,
  { activity: id, message }: Pick<PendingRecord, 'activity' | 'message'>,
): Promise<PendingRecord | { readonly recordId: RecordId } | undefined> {
  const { store, activities, network, crypto } = parts;
  const activity = await activities.find(id);
  if (!activity) return undefined;
  const about = async (group: Hash, digest: Hash) => {
    const { secret } = activity.epochs.get(group)!;
    const found = await recordOf(parts, { digest, grp: blindedGroup(secret, message) });
    return found ? { recordId: found.id } : await makeRecord(parts, { activity: id, message, secret, digest });
  };
  const stored = await store.message(message);
  if (stored) return await about(messageOf(stored).head.group, stored.sealDigest);
  // That of this node need not be the one that counts.
  for (let place = 0; ; ) {
    const some = await store.messages(id, place, atOnce);
    if (some.length === 0) return undefined;
    place = some.at(-1)!.place + 1;
    for (const each of some) {
      const { head } = messageOf(each);
      if (head.type !== 'certificate') continue;
      const { members, signatures, on, group } = head;
      const salt = certificateSalt(activity.epochs.get(group)!.secret, each.id);
      const made = makeCertificate(network, { message: on, members }, { signatures, salt });
      if (certificateDigest(made, crypto.sha256) === message) return await about(group, message);
    }
  }
}
