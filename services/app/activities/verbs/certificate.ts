import { certificateDigest, makeCertificate, type TrustCertificate } from '../../../core/activities/certificate.ts';
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
): Promise<TrustCertificate | undefined> {
  const { activity } = await requireActivity(parts, by, id);
  const message = activity.certificates.get(version);
  const stored = message && (await parts.store.message(message));
  if (!stored) return undefined;
  const { head } = messageOf(stored);
  return head.type === 'certificate' ? makeCertificate(parts.network, version, head.signatures) : undefined;
}

/** See `ActivityDesk.certificateRecord`. */
export async function certificateRecord(
  parts: ActivityParts,
  by: ActivityCaller,
  id: Hash,
  version: Hash,
): Promise<RecordId | undefined> {
  const found = await certificate(parts, by, id, version);
  if (!found) throw new NotariumError('not-found', 'some signatures are missing', { data: { version } });
  return (await recordOf(parts, certificateDigest(found, parts.crypto.sha256)))?.id;
}
