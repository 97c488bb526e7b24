import type { Envelope } from '../../../core/activities/envelope.ts';
import { type Message, readParcel } from '../../../core/activities/parcel.ts';
import { type Seal, sealDigest, sealOf } from '../../../core/activities/sealed.ts';
import type { Address, Hash } from '../../../core/bytes.ts';
import { NotariumError } from '../../../core/errors.ts';
import { unseal } from '../../../lib/activities/seal.ts';
import type { ActivityParts } from '../ActivityParts.ts';
import { readEnvelopeItem } from './envelopeItems.ts';

/** A sealed message that has come, and its seal, of which the log has the digest. */
export type Arrived = {
  readonly from: Address;
  readonly envelope: Envelope;
  readonly seal: Seal;
  readonly sealDigest: Hash;
};

/** One that was opened: its sender has signed it, and nothing else is known of it. */
export type Opened = Arrived & { readonly message: Message; readonly contentKey: Uint8Array };

/** @throws NotariumError `activity-message-invalid`. */
export function readEnvelope({ crypto }: Pick<ActivityParts, 'crypto'>, from: Address, item: Uint8Array): Arrived {
  let envelope: Envelope;
  try {
    envelope = readEnvelopeItem(item);
  } catch (cause) {
    throw new NotariumError('activity-message-invalid', 'it does not have the form of an envelope', { cause });
  }
  return arrivedOf({ crypto }, from, envelope);
}

/** As {@link readEnvelope}, of one that has been read. */
export function arrivedOf({ crypto }: Pick<ActivityParts, 'crypto'>, from: Address, envelope: Envelope): Arrived {
  const seal = sealOf(envelope.sealed, crypto.sha256);
  return { from, envelope, seal, sealDigest: sealDigest(seal, crypto.sha256) };
}

/** @throws NotariumError `activity-message-unreadable`, `activity-message-invalid`, `device-credential-invalid`. */
export async function openArrived(
  { network, keys, crypto }: Pick<ActivityParts, 'network' | 'keys' | 'crypto'>,
  arrived: Arrived,
): Promise<Opened> {
  const { bytes, contentKey } = unseal(arrived.envelope.sealed, keys);
  return { ...arrived, contentKey, message: readParcel(network, bytes, crypto) };
}
