import { recipientsOf, wantsTrust } from '../../../core/activities/activity.ts';
import { signTrust } from '../../../core/activities/certificate.ts';
import type { Hash } from '../../../core/bytes.ts';
import { NotariumError } from '../../../core/errors.ts';
import type { ActivityCaller, SentMessage } from '../ActivityDesk.ts';
import type { ActivityParts } from '../ActivityParts.ts';
import { sendIn } from '../sendIn.ts';

/** See `ActivityDesk.countersign`. */
export async function countersign(parts: ActivityParts, by: ActivityCaller, id: Hash, on: Hash): Promise<SentMessage> {
  const { network, signer } = parts;
  return await sendIn(parts, by, id, async (activity) => {
    if (!wantsTrust(activity)) throw new NotariumError('activity-trust-unasked');
    const version = activity.versions.get(on);
    if (!version) {
      throw new NotariumError('not-found', 'the activity has no such version', { data: { on } });
    }
    if (activity.countersignatures.get(on)?.has(signer.address))
      throw new NotariumError('activity-message-known', 'this node has countersigned it before');
    const agreement = { message: on, members: recipientsOf(activity, version) };
    return { head: { type: 'countersignature', on, signature: await signTrust(network, agreement, signer) } };
  });
}
