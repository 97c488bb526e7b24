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
): Promise<TrustCertificate | undefined> {
  return (await madeOf(parts, by, id, version))?.made;
}

/** See `ActivityDesk.certificateRecord`. */
export async function certificateRecord(
  parts: ActivityParts,
  by: ActivityCaller,
  id: Hash,
  version: Hash,
): Promise<RecordId | undefined> {
  const found = await madeOf(parts, by, id, version);
  if (!found) throw new NotariumError('not-found', 'some signatures are missing', { data: { version } });
  const digest = certificateDigest(found.made, parts.crypto.sha256);
  return (await recordOf(parts, { digest, grp: blindedGroup(found.secret, digest) }))?.id;
}

/** The certificate, and the secret of the epoch in which it was made. */
async function madeOf(
  parts: ActivityParts,
  by: ActivityCaller,
  id: Hash,
  version: Hash,
): Promise<{ readonly made: TrustCertificate; readonly secret: Hash } | undefined> {
  const { activity } = await requireActivity(parts, by, id);
  const message = activity.certificates.get(version);
  const stored = message && (await parts.store.message(message));
  if (!stored) return undefined;
  const { head } = messageOf(stored);
  if (head.type !== 'certificate') return undefined;
  const { secret } = activity.epochs.get(head.group)!;
  const { members, signatures } = head;
  const salt = certificateSalt(secret, stored.id);
  const made = makeCertificate(parts.network, { message: version, members }, { signatures, salt });
  return { made, secret };
}
