import { makeCertificate, type TrustCertificate } from '../../../core/activities/certificate.ts';
import type { Hash } from '../../../core/bytes.ts';
import { messageOf } from '../Activities.ts';
import type { ActivityCaller } from '../ActivityDesk.ts';
import type { ActivityParts } from '../ActivityParts.ts';
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
  return head.type === 'certificate'
    ? makeCertificate(parts.network, { message: version, members: head.members }, head.signatures)
    : undefined;
}
