import { z } from 'zod';
import type { Address, Hash } from '../bytes.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import { hashWord, structHasher, uintWord } from '../eip712.ts';
import { hexSchema, uintSchema } from '../schemas.ts';
import { recoverAddress, signatureBytes } from '../signature.ts';
import type { ChannelNetwork } from './channel.ts';

/** What a device that captures evidence says of it: when, and its signature. */
export const captureSchema = z.strictObject({
  /** Unix seconds. */
  capturedAt: uintSchema,
  signature: hexSchema(64, 65),
});

/** See {@link captureSchema}. */
export type Capture = z.infer<typeof captureSchema>;

const hasher = structHasher('Capture(bytes32 digest,uint64 capturedAt)');

/**
 * What a capture device signs: EIP-712 `Capture`.
 * @param digest As the bill has it: the content's SHA-256, or the root over many.
 */
export function captureDigest(
  network: ChannelNetwork,
  digest: Hash,
  { capturedAt }: Pick<Capture, 'capturedAt'>,
  keccak256: Crypto['keccak256'] = portableCrypto.keccak256,
): Uint8Array {
  return hasher.digest(network, [hashWord(digest), uintWord(capturedAt)], keccak256);
}

/** Address of the device that has signed; undefined when the signature is none. */
export function captureDevice(
  network: ChannelNetwork,
  digest: Hash,
  capture: Capture,
  crypto: Crypto = portableCrypto,
): Address | undefined {
  try {
    const signed = captureDigest(network, digest, capture, crypto.keccak256);
    return recoverAddress(crypto, signed, signatureBytes(capture.signature));
  } catch {
    return undefined;
  }
}
