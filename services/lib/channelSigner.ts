import { type Address, type Hex, toHex } from '../core/bytes.ts';
import { compressedPublicKey } from '../core/channels/statement.ts';
import { compactSignature, publicKeyAddress } from '../core/signature.ts';
import type { NativeCrypto } from './nativeCrypto.ts';

/** Signs for one side of a channel, at once and the same each time (RFC 6979). */
export type LocalChannelSigner = {
  readonly address: Address;
  /** 33 bytes, compressed. */
  readonly publicKey: Hex;
  /** 64 bytes by EIP-2098. */
  sign(digest: Uint8Array): Hex;
};

/**
 * Signs with a private key held in memory.
 * @param privateKey 32 bytes; copied, so the caller may wipe its own.
 * @throws Error when it is not a secp256k1 private key.
 */
export function channelSigner(privateKey: Uint8Array, crypto: NativeCrypto): LocalChannelSigner {
  const key = Uint8Array.from(privateKey);
  const publicKey = crypto.publicKey(key);
  return {
    address: publicKeyAddress(crypto, publicKey),
    publicKey: toHex(compressedPublicKey(publicKey)),
    sign: (digest) => toHex(compactSignature(crypto.sign(digest, key))),
  };
}
