import { type Hash, toHex } from '../bytes.ts';
import { canonicalBytes } from '../canonicalJson.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import type { Network } from '../eip712.ts';
import { activityId, isSignedOrigin } from './activityId.ts';
import type { HeadOf } from './message.ts';
import { refused } from './refused.ts';

/** All that makes an epoch what it is. */
type Opening = Pick<HeadOf<'start' | 'members'>, 'activity' | 'sender' | 'terms' | 'membership' | 'secret'> &
  Partial<Pick<HeadOf<'members'>, 'heads' | 'proposal' | 'left'>>;

/**
 * What every message of an epoch names: SHA-256 over who has opened it, by what right, the terms, the members, the secret and what was seen.
 * Who changes any of it for some of the members has made another epoch.
 */
export function groupDigest(opening: Opening, sha256: Crypto['sha256'] = portableCrypto.sha256): Hash {
  const { activity, sender, terms, membership, secret, heads = [], proposal, left } = opening;
  const bound = {
    ...{ activity, sender, terms, membership, secret, heads },
    ...(proposal ? { proposal } : {}),
    ...(left ? { left } : {}),
  };
  return toHex(sha256(canonicalBytes(bound)));
}

/**
 * That a message which opens an epoch is sealed to those whom it names, in the activity of the initiator that it names, and that its sender has
 * the word of that one: also for who knows nothing of what was before.
 * @throws NotariumError `activity-message-invalid`.
 */
export function checkOpening(
  network: Network,
  head: HeadOf<'start' | 'members'>,
  crypto: Crypto = portableCrypto,
): void {
  const { activity, origin, membership } = head;
  if (groupDigest(head, crypto.sha256) !== head.group || membership.epoch !== head.epoch)
    throw refused('its group is not that of its members');
  if (activityId(head.network, origin, crypto.sha256) !== activity)
    throw refused('its activity was begun by somebody else');
  if (membership.members.some(({ role, address }) => role === 'initiator' && address !== origin.initiator))
    throw refused('its initiator is another one');
  if (!isSignedOrigin(network, origin, crypto)) throw refused('its initiator has not signed the origin');
}
