import { z } from 'zod';
import { sameBytes } from '../bytes.ts';
import { NotariumError } from '../errors.ts';
import type { OpenedEpoch } from './activity.ts';
import type { Message } from './parcel.ts';
import { blindedGroup, contentKey, readProtected, sealedSchema } from './sealed.ts';

/**
 * What goes to a member: a sealed message. A copy has the same seal and ciphertext, with the key wrapped anew for one member alone: one that
 * joined later, asked for it, or has another key.
 */
export const envelopeSchema = z.strictObject({ sealed: sealedSchema, copy: z.literal(true).optional() });

/** See {@link envelopeSchema}. */
export type Envelope = z.infer<typeof envelopeSchema>;

/**
 * Checks that the seal belongs to the message and its epoch, that everybody who has both can make it again, and that it went to the members
 * of that epoch and to nobody else.
 * @param key with which it was opened.
 * @throws NotariumError `activity-message-invalid`.
 */
export function checkEnvelope(
  { sealed, copy }: Envelope,
  { id, head }: Message,
  { secret, membership }: Pick<OpenedEpoch, 'secret' | 'membership'>,
  key: Uint8Array,
): void {
  const fail = (detail: string): NotariumError => new NotariumError('activity-message-invalid', detail);
  const { mid, epo, grp } = readProtected(sealed.protected);
  if (mid !== id) throw fail('the seal is of another message');
  if (epo !== head.epoch) throw fail('the seal is of another epoch');
  if (grp !== blindedGroup(secret, id)) throw fail('the seal is of another group');
  // Else its receivers could not give it on: their copies would have another seal than the log.
  if (!sameBytes(key, contentKey(secret, id))) throw fail('the seal has another key than that of its message');
  if (copy) {
    if (sealed.recipients.length !== 1) throw fail('a copy is for one member');
    return;
  }
  const sealedTo = sealed.recipients.map(({ header }) => header.kid).toSorted();
  const want = membership.members.map((member) => member.key).toSorted();
  if (sealedTo.length !== want.length || sealedTo.some((each, index) => each !== want[index]))
    throw fail('it is not sealed to the members, all of them and nobody else');
}
