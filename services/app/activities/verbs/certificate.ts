import { type Activity, unsignedOf, wantsTrust } from '../../../core/activities/activity.ts';
import {
  certificateDigest,
  certificateSalt,
  makeCertificate,
  type TrustCertificate,
} from '../../../core/activities/certificate.ts';
import { blindedGroup } from '../../../core/activities/sealed.ts';
import type { Hash, RecordId } from '../../../core/bytes.ts';
import { NotariumError } from '../../../core/errors.ts';
import { messageOf } from '../Activities.ts';
import type { ActivityCaller } from '../ActivityDesk.ts';
import type { ActivityParts } from '../ActivityParts.ts';
import { recordOf } from '../recordOf.ts';
import { requireActivity } from '../requireActivity.ts';

/** See `ActivityDesk.certificate`. */
export async function certificate(
  parts: ActivityParts,
  by: ActivityCaller,
  id: Hash,
  version: Hash,
): Promise<TrustCertificate> {
  return (await madeOf(parts, by, id, version)).made;
}

/** See `ActivityDesk.certificateRecord`. */
export async function certificateRecord(
  parts: ActivityParts,
  by: ActivityCaller,
  id: Hash,
  version: Hash,
): Promise<RecordId | undefined> {
  const { made, secret } = await madeOf(parts, by, id, version);
  const digest = certificateDigest(made, parts.crypto.sha256);
  return (await recordOf(parts, { digest, grp: blindedGroup(secret, digest) }))?.id;
}

/** The certificate, and the secret of the epoch in which it was made. @throws NotariumError `not-found`. */
async function madeOf(
  parts: ActivityParts,
  by: ActivityCaller,
  id: Hash,
  version: Hash,
): Promise<{ readonly made: TrustCertificate; readonly secret: Hash }> {
  const { activity } = await requireActivity(parts, by, id);
  const message = activity.certificates.get(version);
  const stored = message && (await parts.store.message(message));
  const head = stored && messageOf(stored).head;
  if (!stored || head?.type !== 'certificate') throw noneOf(activity, version);
  const { secret } = activity.epochs.get(head.group)!;
  const { members, signatures } = head;
  const salt = certificateSalt(secret, stored.id);
  const made = makeCertificate(parts.network, { message: version, members }, { signatures, salt });
  return { made, secret };
}

function noneOf(activity: Activity, version: Hash): NotariumError {
  const known = activity.versions.get(version);
  const missing = known ? unsignedOf(activity, known).toSorted() : [];
  const none = (detail: string): NotariumError =>
    new NotariumError('not-found', detail, { data: { version, missing } });
  if (!known) return none('it has no such version');
  if (!wantsTrust(activity)) return none('nobody is asked to countersign');
  if (missing.length === 0) return none('all have countersigned, and nobody has made it yet');
  return none(`it is not countersigned by ${missing.join(', ')} yet`);
}
