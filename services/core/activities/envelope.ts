import { z } from 'zod';
import type { Crypto } from '../crypto.ts';
import { NotariumError } from '../errors.ts';
import type { OpenedEpoch } from './activity.ts';
import type { Message } from './parcel.ts';
import { blindedGroup, readProtected, type Seal, sealedSchema, sealOf, sealSchema } from './sealed.ts';

/**
 * What goes to a member: a sealed message. A copy is sealed to one member anew, for one that joined later or has another key; the first
 * seal comes with it, for that one is in the log.
 */
export const envelopeSchema = z.strictObject({ sealed: sealedSchema, original: sealSchema.optional() });

/** See {@link envelopeSchema}. */
export type Envelope = z.infer<typeof envelopeSchema>;

/** The seal that the log has. */
export function sealOfEnvelope({ sealed, original }: Envelope, sha256?: Crypto['sha256']): Seal {
  return original ?? sealOf(sealed, sha256);
}

/**
 * Checks that the seal belongs to the message and its epoch, and that it went to the members of that and to nobody else.
 * @throws NotariumError `activity-message-invalid`.
 */
export function checkEnvelope(envelope: Envelope, { id, head }: Message, { secret, membership }: OpenedEpoch): void {
  const { sealed, original } = envelope;
  const fail = (detail: string): NotariumError => new NotariumError('activity-message-invalid', detail);
  for (const text of [sealed.protected, ...(original ? [original.protected] : [])]) {
    const { mid, epo, grp } = readProtected(text);
    if (mid !== id) throw fail('the seal is of another message');
    if (epo !== head.epoch) throw fail('the seal is of another epoch');
    if (grp !== blindedGroup(secret, id)) throw fail('the seal is of another group');
  }
  if (original) return;
  const sealedTo = sealed.recipients.map(({ header }) => header.kid).toSorted();
  const want = membership.members.map(({ key }) => key).toSorted();
  if (sealedTo.length !== want.length || sealedTo.some((key, index) => key !== want[index]))
    throw fail('it is not sealed to the members, all of them and nobody else');
}
