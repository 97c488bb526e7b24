import { sameBytes } from '../bytes.ts';
import type { OpenedEpoch } from './activity.ts';
import type { Message } from './parcel.ts';
import { refused } from './refused.ts';
import { blindedGroup, readProtected, type Sealed, sealingOf } from './sealed.ts';

/**
 * What goes to a member: a sealed message. A copy has the same seal and ciphertext, with the key wrapped anew for one member alone: one that
 * joined later, asked for it, or has another key.
 */
export type Envelope = { readonly sealed: Sealed; readonly copy?: true | undefined };

/**
 * Checks that the seal is that of the message and its epoch, and that it went to the members of that and to nobody else.
 * @param key with which it was opened.
 * @throws NotariumError `activity-message-invalid`.
 */
export function checkEnvelope(
  { sealed, copy }: Envelope,
  { id, head }: Message,
  { secret, membership }: Pick<OpenedEpoch, 'secret' | 'membership'>,
  key: Uint8Array,
): void {
  // One message has one seal, whoever gives it: with any other one it would not be what the log has.
  const want = sealingOf(secret, id, head.epoch);
  if (sealed.protected !== want.protected) {
    const { mid, epo, grp } = readProtected(sealed.protected);
    if (mid !== id) throw refused('the seal is of another message');
    if (epo !== head.epoch) throw refused('the seal is of another epoch');
    if (grp !== blindedGroup(secret, id)) throw refused('the seal is of another group');
    throw refused('it is not the seal of the message');
  }
  if (sealed.iv !== want.iv || !sameBytes(key, want.key)) throw refused('it is not the seal of the message');
  if (copy) {
    if (sealed.recipients.length !== 1) throw refused('a copy is for one member');
    return;
  }
  const sealedTo = sealed.recipients.map(({ header }) => header.kid).toSorted();
  const keys = membership.members.map((member) => member.key).toSorted();
  if (sealedTo.length !== keys.length || sealedTo.some((each, index) => each !== keys[index]))
    throw refused('it is not sealed to the members, all of them and nobody else');
}
