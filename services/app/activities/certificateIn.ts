import type { Activity } from '../../core/activities/activity.ts';
import {
  certificateDigest,
  certificateSalt,
  makeCertificate,
  type TrustCertificate,
} from '../../core/activities/certificate.ts';
import { blindedGroup } from '../../core/activities/sealed.ts';
import type { Hash, RecordId } from '../../core/bytes.ts';
import { messageOf } from './Activities.ts';
import type { ActivityParts } from './ActivityParts.ts';
import { recordOf } from './recordOf.ts';

/** A certificate, and its record; undefined while the log has none. */
export type Made = { readonly made: TrustCertificate; readonly recordId: RecordId | undefined };

/** The certificate that a message of an activity makes; undefined where the message is not here. */
export async function certificateIn(
  parts: Pick<ActivityParts, 'store' | 'network' | 'crypto' | 'search'>,
  activity: Activity,
  message: Hash,
): Promise<Made | undefined> {
  const { store, network, crypto } = parts;
  const stored = await store.message(message);
  const head = stored && messageOf(stored).head;
  if (head?.type !== 'certificate') return undefined;
  const { secret } = activity.epochs.get(head.group)!;
  const { on, members, signatures } = head;
  const made = makeCertificate(
    network,
    { message: on, members },
    { signatures, salt: certificateSalt(secret, message) },
  );
  const digest = certificateDigest(made, crypto.sha256);
  return { made, recordId: (await recordOf(parts, { digest, grp: blindedGroup(secret, digest) }))?.id };
}
