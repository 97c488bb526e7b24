import type { Address } from '../../core/bytes.ts';
import { keyHashOf } from '../../core/channels/bill.ts';
import type { Channel, ChannelNetwork } from '../../core/channels/channel.ts';
import { locksHashOf, stateDigest } from '../../core/channels/state.ts';
import type { Crypto } from '../../core/crypto.ts';
import { NotariumError } from '../../core/errors.ts';
import { recoverAddress, signatureBytes } from '../../core/signature.ts';
import type { HandedState, KeptState } from './HandedState.ts';

/**
 * What is to be kept of a state that somebody has handed in for a channel.
 * @throws NotariumError `signature-mismatch` and other `signature-*`, `channel-update-invalid` (the locks are not those of the state),
 *   `bill-key-mismatch` (a key of no lock).
 */
export function checkHandedState(
  network: ChannelNetwork,
  channel: Channel,
  handed: HandedState,
  crypto: Crypto,
): KeptState {
  const { channelId, state, requesterSignature, verifierSignature, locks, keys } = handed;
  const digest = stateDigest(network, channelId, state, crypto.keccak256);
  const requireSigner = (signature: string, want: Address): void => {
    const have = recoverAddress(crypto, digest, signatureBytes(signature));
    if (have === want) return;
    throw new NotariumError('signature-mismatch', 'not signed by this side', { data: { have, want } });
  };
  requireSigner(requesterSignature, channel.requester);
  requireSigner(verifierSignature, channel.verifier);
  if (locks.length > 0 && locksHashOf(locks, crypto.keccak256) !== state.locksHash) {
    throw new NotariumError('channel-update-invalid', 'the locks are not those of the state');
  }
  const expiries = new Map(locks.map(({ keyHash, expiry }) => [keyHash, expiry]));
  return {
    channel,
    signed: { state, requesterSignature, verifierSignature },
    keys: keys.map((key) => {
      const expiry = expiries.get(keyHashOf(key, crypto.sha256));
      if (expiry === undefined) throw new NotariumError('bill-key-mismatch', 'a key of none of the locks');
      return { key, expiry };
    }),
  };
}
