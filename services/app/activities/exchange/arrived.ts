import { type Envelope, envelopeSchema } from '../../../core/activities/envelope.ts';
import { type Message, readParcel } from '../../../core/activities/parcel.ts';
import { sealDigest, sealOf } from '../../../core/activities/sealed.ts';
import { type Address, fromUtf8, type Hash } from '../../../core/bytes.ts';
import { NotariumError } from '../../../core/errors.ts';
import { unseal } from '../../../lib/activities/seal.ts';
import type { ActivityParts } from '../ActivityParts.ts';

/** A sealed message that has come, and the digest of its seal, which the log has. */
export type Arrived = { readonly from: Address; readonly envelope: Envelope; readonly sealDigest: Hash };

/** One that was opened: its sender has signed it, and nothing else is known of it. */
export type Opened = Arrived & { readonly message: Message; readonly contentKey: Uint8Array };

/** @throws NotariumError `activity-message-invalid`. */
export function readEnvelope(
  { crypto }: Pick<ActivityParts, 'crypto'>,
  from: Address,
  text: Uint8Array | string,
): Arrived {
  let envelope: Envelope;
  try {
    envelope = envelopeSchema.parse(JSON.parse(typeof text === 'string' ? text : fromUtf8(text)));
  } catch (cause) {
    throw new NotariumError('activity-message-invalid', 'it does not have the form of an envelope', { cause });
  }
  return arrivedOf({ crypto }, from, envelope);
}

/** As {@link readEnvelope}, of one that has been read. */
export function arrivedOf({ crypto }: Pick<ActivityParts, 'crypto'>, from: Address, envelope: Envelope): Arrived {
  return { from, envelope, sealDigest: sealDigest(sealOf(envelope.sealed, crypto.sha256), crypto.sha256) };
}

/** @throws NotariumError `activity-message-unreadable`, `activity-message-invalid`, `device-credential-invalid`. */
export async function openArrived(
  { network, keys, crypto }: Pick<ActivityParts, 'network' | 'keys' | 'crypto'>,
  arrived: Arrived,
): Promise<Opened> {
  const { bytes, contentKey } = unseal(arrived.envelope.sealed, keys);
  return { ...arrived, contentKey, message: readParcel(network, bytes, crypto) };
}
