import { createHmac } from 'node:crypto';
import { concat, fromHex, type Hash, toHex, utf8 } from '../core/bytes.ts';

/**
 * Makes the keys of a verifier's bills from its private key: a verifier that has lost its database still knows them all. HMAC-SHA256 over
 * `notarium-bill-key/1`, channel id and bill id, under a secret that is HMAC-SHA256 of the private key over `notarium-bill-secret/1`.
 */
export function billKeys(privateKey: Uint8Array): (channelId: Hash, billId: Hash) => Hash {
  const secret = createHmac('sha256', privateKey).update('notarium-bill-secret/1').digest();
  return (channelId, billId) => {
    const message = concat(utf8('notarium-bill-key/1'), fromHex(channelId), fromHex(billId));
    return toHex(new Uint8Array(createHmac('sha256', secret).update(message).digest()));
  };
}
