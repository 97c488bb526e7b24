import { createRequire } from 'node:module';
import { createKeccak } from 'hash-wasm';
import type { Crypto } from '../core/crypto.ts';
import { nativeSha256 } from './nativeSha256.ts';

/** {@link Crypto} that can also sign. */
export type NativeCrypto = Crypto & {
  /**
   * 65-byte signature `r || s || v` (v = 27 or 28), s in the lower half, deterministic (RFC 6979).
   * @throws Error when the key is not a secp256k1 private key or the digest is not 32 bytes.
   */
  sign(digest: Uint8Array, privateKey: Uint8Array): Uint8Array;
  /**
   * Uncompressed public key (65 bytes) of a private key.
   * @throws Error when the key is not a secp256k1 private key.
   */
  publicKey(privateKey: Uint8Array): Uint8Array;
};

type Curve = Pick<NativeCrypto, 'name' | 'recover' | 'sign' | 'publicKey'>;

/** The part of the `secp256k1` package in use here; it comes without types. */
type Secp256k1Addon = {
  ecdsaRecover(signature: Uint8Array, recovery: number, digest: Uint8Array, compressed: boolean): Uint8Array;
  ecdsaSign(digest: Uint8Array, privateKey: Uint8Array): { signature: Uint8Array; recid: number };
  publicKeyCreate(privateKey: Uint8Array, compressed: boolean): Uint8Array;
};

/**
 * The fastest primitives of this machine: `secp256k1-native` (libsecp256k1 as an addon), or `secp256k1-wasm`
 * (tiny-secp256k1, about four times slower) where there is no addon for it; `name` says which.
 * @param options.curve Asks for one of the two; the default is the best that loads.
 * @throws Error when `native` is asked for and cannot be loaded.
 */
export async function loadCrypto(options: { curve?: 'native' | 'wasm' } = {}): Promise<NativeCrypto> {
  const keccak = await createKeccak(256);
  return {
    ...(await loadCurve(options.curve)),
    sha256: nativeSha256,
    keccak256: (bytes) => keccak.init().update(bytes).digest('binary'),
  };
}

async function loadCurve(asked: 'native' | 'wasm' | undefined): Promise<Curve> {
  if (asked === 'wasm') return wasmCurve();
  try {
    return nativeCurve();
  } catch (error) {
    if (asked === 'native') throw error;
    return wasmCurve();
  }
}

function nativeCurve(): Curve {
  // The package's main file silently falls back to `elliptic`, 25 times slower; its bindings file throws instead.
  const addon: Secp256k1Addon = createRequire(import.meta.url)('secp256k1/bindings.js');
  return {
    name: 'secp256k1-native',
    recover: (digest, signature, recovery) => addon.ecdsaRecover(signature, recovery, digest, false),
    sign(digest, privateKey) {
      const { signature, recid } = addon.ecdsaSign(digest, privateKey);
      return joined(signature, recid);
    },
    publicKey: (privateKey) => addon.publicKeyCreate(privateKey, false),
  };
}

async function wasmCurve(): Promise<Curve> {
  const tiny = await import('tiny-secp256k1');
  return {
    name: 'secp256k1-wasm',
    recover(digest, signature, recovery) {
      const publicKey = tiny.recover(digest, signature, recovery, false);
      if (!publicKey) throw new Error('no key gives this signature');
      return publicKey;
    },
    sign(digest, privateKey) {
      const { signature, recoveryId } = tiny.signRecoverable(digest, privateKey);
      return joined(signature, recoveryId);
    },
    publicKey(privateKey) {
      const publicKey = tiny.pointFromScalar(privateKey, false);
      if (!publicKey) throw new Error('not a private key');
      return publicKey;
    },
  };
}

function joined(rs: Uint8Array, recovery: number): Uint8Array {
  // A recovery of 2 or 3 means r >= n - p: found once in 2^127 signatures, and v could not say it.
  if (recovery > 1) throw new Error('recovery bit out of range');
  const signature = new Uint8Array(65);
  signature.set(rs);
  signature[64] = 27 + recovery;
  return signature;
}
