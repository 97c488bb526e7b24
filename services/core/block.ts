import { z } from 'zod';
import { type Address, type Hash, toHex } from './bytes.ts';
import { type Committee, publisherOf, quorumOf } from './committee.ts';
import { type Crypto, portableCrypto } from './crypto.ts';
import { addressWord, hashWord, type Network, structHasher, uintWord } from './eip712.ts';
import { NotariumError } from './errors.ts';
import { addressSchema, hashSchema, hexSchema, uintSchema } from './schemas.ts';
import { recoverAddress, signatureBytes } from './signature.ts';

/** Header of a block: the whole log's size and root after it. The first block has height 1 and parent 0. */
export const blockHeaderSchema = z.strictObject({
  height: uintSchema.min(1),
  slot: uintSchema,
  treeSize: uintSchema.min(1),
  root: hashSchema,
  parent: hashSchema,
  epoch: uintSchema,
  publisher: addressSchema,
});

/** See {@link blockHeaderSchema}. */
export type BlockHeader = z.infer<typeof blockHeaderSchema>;

/** One committee member's signature over a block hash. */
export const blockSignatureSchema = z.strictObject({ signer: addressSchema, signature: hexSchema(64, 65) });

/** See {@link blockSignatureSchema}. */
export type BlockSignature = z.infer<typeof blockSignatureSchema>;

/** Where a block's hash stands on chain. */
export const anchorSchema = z.strictObject({
  chainId: uintSchema,
  contract: addressSchema,
  transactionHash: hashSchema,
  blockNumber: uintSchema,
  /** Unix seconds of the chain block. */
  timestamp: uintSchema,
});

/** See {@link anchorSchema}. */
export type Anchor = z.infer<typeof anchorSchema>;

/** Parent of the first block. */
export const zeroHash: Hash = toHex(new Uint8Array(32));

const hasher = structHasher(
  'Block(uint64 height,uint64 slot,uint64 treeSize,bytes32 root,bytes32 parent,uint64 epoch,address publisher)',
);

/** EIP-712 digest of a header: what centres sign, and what the chain stores. */
export function blockDigest(network: Network, header: BlockHeader, keccak256 = portableCrypto.keccak256): Uint8Array {
  return hasher.digest(
    network,
    [
      uintWord(header.height),
      uintWord(header.slot),
      uintWord(header.treeSize),
      hashWord(header.root),
      hashWord(header.parent),
      uintWord(header.epoch),
      addressWord(header.publisher),
    ],
    keccak256,
  );
}

/** Block hash as text. */
export function blockHash(network: Network, header: BlockHeader): Hash {
  return toHex(blockDigest(network, header));
}

/**
 * Checks a block's signatures against the committee of its epoch: publisher's turn, every signature by the member that
 * it names (wrong ones, doubles and strangers are passed over), quorum reached with the publisher among them. One recovery
 * for each signature at most: whoever takes lists from outside bounds them.
 * @throws NotariumError `receipt-committee-unknown` (another epoch), `receipt-publisher-not-turn`, `receipt-quorum-missing`.
 */
export function checkBlockSignatures(
  network: Network,
  header: BlockHeader,
  signatures: readonly BlockSignature[],
  committee: Committee,
  crypto: Crypto = portableCrypto,
): void {
  if (committee.epoch !== header.epoch) {
    throw new NotariumError('receipt-committee-unknown', `epoch ${header.epoch}`);
  }
  const wanted = publisherOf(committee, header.slot);
  if (wanted !== header.publisher) {
    throw new NotariumError('receipt-publisher-not-turn', undefined, {
      data: { have: header.publisher, want: wanted },
    });
  }
  const digest = blockDigest(network, header, crypto.keccak256);
  const valid = new Set<Address>();
  for (const { signer, signature } of signatures) {
    // A wrong one proves nothing about its member: anybody can put it before the right one.
    if (!committee.members.includes(signer) || valid.has(signer)) continue;
    if (signedBy(crypto, digest, signature, signer)) valid.add(signer);
  }
  const quorum = quorumOf(committee.members.length);
  if (valid.size < quorum) {
    throw new NotariumError('receipt-quorum-missing', undefined, { data: { have: valid.size, want: quorum } });
  }
  if (!valid.has(header.publisher)) {
    throw new NotariumError('receipt-quorum-missing', 'the publisher did not sign');
  }
}

function signedBy(crypto: Crypto, digest: Uint8Array, signature: string, signer: Address): boolean {
  try {
    return recoverAddress(crypto, digest, signatureBytes(signature)) === signer;
  } catch (error) {
    // A signature that nobody can have made counts as none; anything else is a fault of ours.
    if (error instanceof NotariumError) return false;
    throw error;
  }
}
