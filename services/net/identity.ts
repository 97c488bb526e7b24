import { privateKeyFromRaw } from '@libp2p/crypto/keys';
import type { PeerId, PrivateKey } from '@libp2p/interface';
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id';
import { multiaddr } from '@multiformats/multiaddr';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import type { Address } from '../core/bytes.ts';
import { portableCrypto } from '../core/crypto.ts';
import { publicKeyAddress } from '../core/signature.ts';

/** One key as both sides see it: the network by its peer id, the chain by its address. */
export type Identity = { readonly privateKey: PrivateKey; readonly peerId: PeerId; readonly address: Address };

/**
 * Identity of a 32-byte secp256k1 private key.
 * @throws Error when it is not one.
 */
export function identityOf(key: Uint8Array): Identity {
  if (key.length !== 32) throw new RangeError(`a private key has 32 bytes, not ${key.length}`);
  const privateKey = privateKeyFromRaw(key);
  const peerId = peerIdFromPrivateKey(privateKey);
  const address = addressOfPeer(peerId);
  if (address === undefined) throw new Error('not a secp256k1 key');
  return { privateKey, peerId, address };
}

/**
 * Address of the key that a peer id names; undefined for keys of other kinds. A peer id of secp256k1 holds the whole
 * public key (libp2p specs, peer-ids), so nobody has to be asked.
 */
export function addressOfPeer(peerId: PeerId): Address | undefined {
  if (peerId.type !== 'secp256k1') return undefined;
  return publicKeyAddress(portableCrypto, secp256k1.Point.fromBytes(peerId.publicKey.raw).toBytes(false));
}

/** Address of the peer id at the end of a multiaddr (`…/p2p/16Uiu2…`); undefined where there is none, or no multiaddr. */
export function addressOfMultiaddr(text: string): Address | undefined {
  try {
    const last = multiaddr(text).getComponents().at(-1);
    return last?.name === 'p2p' && last.value !== undefined ? addressOfPeer(peerIdFromString(last.value)) : undefined;
  } catch {
    return undefined;
  }
}
