import { publicKeyAddress, type Signer } from '../core/signature.ts';
import type { NativeCrypto } from './nativeCrypto.ts';

/**
 * Signs with a private key held in memory.
 * @param privateKey 32 bytes; copied, so the caller may wipe its own.
 * @throws Error when it is not a secp256k1 private key.
 */
export function localSigner(privateKey: Uint8Array, crypto: NativeCrypto): Signer {
  const key = Uint8Array.from(privateKey);
  const address = publicKeyAddress(crypto, crypto.publicKey(key));
  return { address, sign: async (digest) => crypto.sign(digest, key) };
}
