import { hexDigits } from '../core/bytes.ts';
import { publicKeyAddress, type Signer } from '../core/signature.ts';
import type { NativeCrypto } from './nativeCrypto.ts';

/** Order of secp256k1 (SEC 2, version 2.0, section 2.4.1): private keys are 1 to this, itself excluded. */
const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** Whether the bytes are a secp256k1 private key. */
export function isPrivateKey(bytes: Uint8Array): boolean {
  const value = bytes.length === 32 ? BigInt(`0x${hexDigits(bytes)}`) : 0n;
  return value > 0n && value < order;
}

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
