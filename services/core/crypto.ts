import { secp256k1 } from '@noble/curves/secp256k1.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { keccak_256 } from '@noble/hashes/sha3.js';

/**
 * The three primitives that a verifier needs. `core` works with any implementation; {@link portableCrypto} runs
 * everywhere, `lib/nativeCrypto.ts` gives a faster one under Node.
 */
export type Crypto = {
  /** Names the implementation, for the log and `notarium doctor`. */
  readonly name: string;
  sha256(bytes: Uint8Array): Uint8Array;
  keccak256(bytes: Uint8Array): Uint8Array;
  /**
   * Uncompressed public key (65 bytes, first byte 4) that made the 64-byte signature `r || s` over the digest.
   * @throws Error when there is none.
   */
  recover(digest: Uint8Array, signature: Uint8Array, recovery: 0 | 1): Uint8Array;
};

/** Pure JavaScript primitives (noble), for browsers and as the reference that faster ones are tested against. */
export const portableCrypto: Crypto = {
  name: 'noble',
  sha256: nobleSha256,
  keccak256: keccak_256,
  recover(digest, signature, recovery) {
    return secp256k1.Signature.fromBytes(signature, 'compact')
      .addRecoveryBit(recovery)
      .recoverPublicKey(digest)
      .toBytes(false);
  },
};
