import { z } from 'zod';
import { type Address, type Hash, type RecordId, toHex } from './bytes.ts';
import { type Crypto, portableCrypto } from './crypto.ts';
import { hashWord, type Network, structHasher, uintWord } from './eip712.ts';
import { NotariumError } from './errors.ts';
import { addressSchema, hashSchema, hexSchema, uintSchema } from './schemas.ts';
import { recoverAddress, type Signer, signatureBytes } from './signature.ts';

/** A centre's signed promise: the record is on its disk, and will be in the log by the end of `includeBySlot`. */
export const acceptanceSchema = z.strictObject({
  recordId: hashSchema,
  /** Unix seconds. */
  acceptedAt: uintSchema,
  includeBySlot: uintSchema,
  /** The centre that promises. */
  centre: addressSchema,
  signature: hexSchema(64, 65),
});

/** See {@link acceptanceSchema}. */
export type Acceptance = z.infer<typeof acceptanceSchema>;

const hasher = structHasher('Acceptance(bytes32 recordId,uint64 acceptedAt,uint64 includeBySlot)');

/** What a centre signs to accept a record: EIP-712 `Acceptance`. */
export function acceptanceDigest(
  network: Network,
  acceptance: { recordId: RecordId; acceptedAt: number; includeBySlot: number },
  keccak256 = portableCrypto.keccak256,
): Uint8Array {
  return promiseDigest(network, hashWord(acceptance.recordId), acceptance, keccak256);
}

/** {@link acceptanceDigest} of a record whose id is given as 32 bytes. */
export function promiseDigest(
  network: Network,
  idBytes: Uint8Array,
  promise: { acceptedAt: number; includeBySlot: number },
  keccak256 = portableCrypto.keccak256,
): Uint8Array {
  return hasher.digest(network, [idBytes, uintWord(promise.acceptedAt), uintWord(promise.includeBySlot)], keccak256);
}

/** A signed acceptance. */
export async function signAcceptance(
  network: Network,
  promise: { recordId: RecordId; acceptedAt: number; includeBySlot: number },
  signer: Signer,
): Promise<Acceptance> {
  const signature = toHex(await signer.sign(acceptanceDigest(network, promise)));
  return { ...promise, centre: signer.address, signature };
}

/**
 * Checks that the acceptance was signed by the centre that it names.
 * @throws NotariumError `signature-mismatch` and the other signature codes.
 */
export function checkAcceptance(network: Network, acceptance: Acceptance, crypto: Crypto = portableCrypto): void {
  const digest = acceptanceDigest(network, acceptance, crypto.keccak256);
  const signer: Address = recoverAddress(crypto, digest, signatureBytes(acceptance.signature));
  if (signer !== acceptance.centre) {
    throw new NotariumError('signature-mismatch', 'acceptance', { data: { have: signer, want: acceptance.centre } });
  }
}

/** Why an accepted record was not sealed. */
export const refusalReasons = ['record-expired', 'record-successor-taken', 'record-predecessor-unknown'] as const;

/** See {@link refusalReasons}. */
export type RefusalReason = (typeof refusalReasons)[number];

/** A centre's signed statement that an accepted record will not be in the log, and why. */
export const refusalSchema = z.strictObject({
  recordId: hashSchema,
  reason: z.enum(refusalReasons),
  /** The record that won (`record-successor-taken`); zero otherwise. */
  winner: hashSchema,
  /** Slot in which it was refused. */
  slot: uintSchema,
  centre: addressSchema,
  signature: hexSchema(64, 65),
});

/** See {@link refusalSchema}. */
export type Refusal = z.infer<typeof refusalSchema>;

const refusalHasher = structHasher('Refusal(bytes32 recordId,bytes32 reason,bytes32 winner,uint64 slot)');

/** What a centre signs to refuse a record: EIP-712 `Refusal`; `reason` is the code's ASCII, right-padded to 32 bytes. */
export function refusalDigest(
  network: Network,
  refusal: { recordId: RecordId; reason: RefusalReason; winner: Hash; slot: number },
  keccak256 = portableCrypto.keccak256,
): Uint8Array {
  const reason = new Uint8Array(32);
  reason.set(new TextEncoder().encode(refusal.reason));
  return refusalHasher.digest(
    network,
    [hashWord(refusal.recordId), reason, hashWord(refusal.winner), uintWord(refusal.slot)],
    keccak256,
  );
}

/** A signed refusal. */
export async function signRefusal(
  network: Network,
  refusal: { recordId: RecordId; reason: RefusalReason; winner: Hash; slot: number },
  signer: Signer,
): Promise<Refusal> {
  return {
    ...refusal,
    centre: signer.address,
    signature: toHex(await signer.sign(refusalDigest(network, refusal))),
  };
}

/**
 * Checks that the refusal was signed by the centre that it names.
 * @throws NotariumError `signature-mismatch` and the other signature codes.
 */
export function checkRefusal(network: Network, refusal: Refusal, crypto: Crypto = portableCrypto): void {
  const signer = recoverAddress(
    crypto,
    refusalDigest(network, refusal, crypto.keccak256),
    signatureBytes(refusal.signature),
  );
  if (signer !== refusal.centre) {
    throw new NotariumError('signature-mismatch', 'refusal', { data: { have: signer, want: refusal.centre } });
  }
}
