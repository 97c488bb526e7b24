import { z } from 'zod';
import { fromHex, type Hash, toHex } from '../bytes.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import { bigUintWord, hashWord, structHasher, uintWord } from '../eip712.ts';
import { hashSchema, hexSchema, uintSchema } from '../schemas.ts';
import { amountSchema } from './amount.ts';
import type { ChannelNetwork } from './channel.ts';

/** Most digests that one bill covers. */
export const maxBillCount = 1_000_000;

/** What a verifier asks for evidence that it has found genuine, before it confirms it. Signed by the verifier. */
export const billSchema = z.strictObject({
  /** 32 random bytes; the bill key is made from it and a secret of the verifier. */
  id: hashSchema,
  channelId: hashSchema,
  /** With count 1 the content's SHA-256, otherwise the root over so many digests (RFC 9162, as an aggregate has it). */
  digest: hashSchema,
  count: uintSchema.min(1).max(maxBillCount),
  amount: amountSchema,
  /** Last second, Unix, in which the bill key can be revealed on chain. */
  expiry: uintSchema,
  /** SHA-256 of the bill key, which has 32 bytes. */
  keyHash: hashSchema,
});

/** See {@link billSchema}. */
export type Bill = z.output<typeof billSchema>;

/** A bill and the verifier's signature over it. */
export const signedBillSchema = z.strictObject({ bill: billSchema, signature: hexSchema(64, 65) });

/** See {@link signedBillSchema}. */
export type SignedBill = z.output<typeof signedBillSchema>;

const hasher = structHasher(
  'Bill(bytes32 id,bytes32 channelId,bytes32 digest,uint64 count,uint128 amount,uint64 expiry,bytes32 keyHash)',
);

/** What the verifier signs: EIP-712 `Bill`. */
export function billDigest(
  network: ChannelNetwork,
  bill: Bill,
  keccak256: Crypto['keccak256'] = portableCrypto.keccak256,
): Uint8Array {
  const words = [
    hashWord(bill.id),
    hashWord(bill.channelId),
    hashWord(bill.digest),
    uintWord(bill.count),
    bigUintWord(bill.amount),
    uintWord(bill.expiry),
    hashWord(bill.keyHash),
  ];
  return hasher.digest(network, words, keccak256);
}

/** SHA-256 of a bill key. */
export function keyHashOf(key: Hash, sha256: Crypto['sha256'] = portableCrypto.sha256): Hash {
  return toHex(sha256(fromHex(key)));
}
