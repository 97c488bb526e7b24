import { type Address, concat, fromHex, toHex } from './bytes.ts';
import type { Crypto } from './crypto.ts';
import { NotariumError } from './errors.ts';

// Half of the order of secp256k1: a signature with a greater s has a twin, and only one of the two is accepted.
const halfOrder = fromHex('7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0');

/** A signature taken apart: `r || s` and the recovery bit. */
export type ParsedSignature = { readonly rs: Uint8Array; readonly recovery: 0 | 1 };

/** Makes signatures for one address; a key in memory or a KMS may stand behind it. */
export type Signer = {
  readonly address: Address;
  /** 65-byte signature `r || s || v` (v = 27 or 28) with s in the lower half. */
  sign(digest: Uint8Array): Promise<Uint8Array>;
};

/**
 * Takes a 65-byte signature (v = 27 or 28), or a 64-byte one by EIP-2098, apart.
 * @throws NotariumError `signature-malformed`, `signature-malleable`.
 */
export function parseSignature(signature: Uint8Array): ParsedSignature {
  if (signature.length === 65) {
    const v = signature[64];
    if (v !== 27 && v !== 28) throw new NotariumError('signature-malformed', `v is ${v}, not 27 or 28`);
    const rs = signature.subarray(0, 64);
    if (isHighS(rs)) throw new NotariumError('signature-malleable');
    return { rs, recovery: v === 28 ? 1 : 0 };
  }
  if (signature.length === 64) {
    const rs = signature.slice();
    const recovery = (rs[32]! & 0x80) === 0 ? 0 : 1;
    rs[32] = rs[32]! & 0x7f;
    if (isHighS(rs)) throw new NotariumError('signature-malleable');
    return { rs, recovery };
  }
  throw new NotariumError('signature-malformed', `${signature.length} bytes`);
}

function isHighS(rs: Uint8Array): boolean {
  for (let index = 0; index < 32; index++) {
    const difference = rs[32 + index]! - halfOrder[index]!;
    if (difference !== 0) return difference > 0;
  }
  return false;
}

/** The 64-byte form of a signature (EIP-2098). */
export function compactSignature(signature: Uint8Array): Uint8Array {
  const { rs, recovery } = parseSignature(signature);
  const compact = rs.slice();
  compact[32] = compact[32]! | (recovery << 7);
  return compact;
}

/** The 65-byte form `r || s || v` of a signature. */
export function fullSignature(signature: Uint8Array): Uint8Array {
  const { rs, recovery } = parseSignature(signature);
  return concat(rs, Uint8Array.of(27 + recovery));
}

/**
 * Address whose key made the signature over the digest.
 * @throws NotariumError `signature-malformed`, `signature-malleable`, `signature-mismatch` (no key at all).
 */
export function recoverAddress(crypto: Crypto, digest: Uint8Array, signature: Uint8Array): Address {
  const { rs, recovery } = parseSignature(signature);
  let publicKey: Uint8Array;
  try {
    publicKey = crypto.recover(digest, rs, recovery);
  } catch (cause) {
    throw new NotariumError('signature-mismatch', 'no key gives this signature', { cause });
  }
  return publicKeyAddress(crypto, publicKey);
}

/** Address of an uncompressed public key (65 bytes). */
export function publicKeyAddress(crypto: Crypto, publicKey: Uint8Array): Address {
  return toHex(crypto.keccak256(publicKey.subarray(1)).subarray(12));
}

/**
 * Bytes of a signature given as hexadecimal text.
 * @throws NotariumError `signature-malformed`.
 */
export function signatureBytes(text: string): Uint8Array {
  if (text.startsWith('0x') && (text.length === 2 + 2 * 64 || text.length === 2 + 2 * 65)) {
    try {
      return fromHex(text);
    } catch {
      // Not hexadecimal: as any other text that is no signature.
    }
  }
  throw new NotariumError('signature-malformed', 'not 0x and 64 or 65 bytes in hexadecimal');
}
