import { type Activity, certificatesOn, unsignedOf, wantsTrust } from '../../../core/activities/activity.ts';
import type { TrustCertificate } from '../../../core/activities/certificate.ts';
import type { Hash, RecordId } from '../../../core/bytes.ts';
import { NotariumError } from '../../../core/errors.ts';
import type { ActivityCaller } from '../ActivityDesk.ts';
import type { ActivityParts } from '../ActivityParts.ts';
import { certificateIn, type Made } from '../certificateIn.ts';
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
  return (await madeOf(parts, by, id, version)).recordId;
}

/** The first certificate that the log has, else the first one: a member can make one and have it not notarised. @throws NotariumError `not-found`. */
async function madeOf(parts: ActivityParts, by: ActivityCaller, id: Hash, version: Hash): Promise<Made> {
  const { activity } = await requireActivity(parts, by, id);
  let first: Made | undefined;
  for (const message of certificatesOn(activity, version)) {
    const one = await certificateIn(parts, activity, message);
    if (one?.recordId !== undefined) return one;
    first ??= one;
  }
  if (!first) throw noneOf(activity, version);
  return first;
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
