import { z } from 'zod';
import { blockDigest, blockHeaderSchema } from './block.ts';
import { type Address, toHex } from './bytes.ts';
import { type Crypto, portableCrypto } from './crypto.ts';
import type { Network } from './eip712.ts';
import { NotariumError } from './errors.ts';
import { hexSchema } from './schemas.ts';
import { recoverAddress, signatureBytes } from './signature.ts';

/** A block header with one signature over its hash: half of a proof of equivocation. */
export const signedHeaderSchema = z.strictObject({ header: blockHeaderSchema, signature: hexSchema(64, 65) });

/** See {@link signedHeaderSchema}. */
export type SignedHeader = z.infer<typeof signedHeaderSchema>;

/**
 * Who signed two different blocks of one slot, which an honest centre never does. The order of the two does not matter. Says
 * nothing about whether that account is, or was, a centre: the registry knows.
 * @throws NotariumError `block-no-equivocation` with data `{ have, want }` (two slots, the same block twice, two signers),
 *   `signature-malformed`, `signature-malleable`, `signature-mismatch` (made by no key at all).
 */
export function checkEquivocation(
  network: Network,
  first: SignedHeader,
  second: SignedHeader,
  crypto: Crypto = portableCrypto,
): Address {
  if (first.header.slot !== second.header.slot) throw unproven('two slots', second.header.slot, first.header.slot);
  const [firstDigest, secondDigest] = [first, second].map(({ header }) =>
    blockDigest(network, header, crypto.keccak256),
  ) as [Uint8Array, Uint8Array];
  const [firstHash, secondHash] = [toHex(firstDigest), toHex(secondDigest)];
  if (firstHash === secondHash) throw unproven('the same block twice', secondHash, 'another block');
  const signer = recoverAddress(crypto, firstDigest, signatureBytes(first.signature));
  const other = recoverAddress(crypto, secondDigest, signatureBytes(second.signature));
  if (other !== signer) throw unproven('two signers', other, signer);
  return signer;
}

function unproven(detail: string, have: string | number, want: string | number): NotariumError {
  return new NotariumError('block-no-equivocation', detail, { data: { have, want } });
}
