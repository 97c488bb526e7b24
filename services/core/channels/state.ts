import { z } from 'zod';
import { concat, fromHex, type Hash, toHex } from '../bytes.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import { bigUintWord, hashWord, structHasher, uintWord } from '../eip712.ts';
import { hashSchema, hexSchema, uintSchema } from '../schemas.ts';
import { emptyRoot } from '../sha256.ts';
import { amountSchema, maxAmount } from './amount.ts';
import type { ChannelNetwork } from './channel.ts';

/** Greatest version of a state that the contract takes. */
export const maxVersion = 2 ** 40 - 1;
/** Most locks that a state of ours has open; the contract settles as many in one transaction. */
export const maxLocks = 64;
/** `locksHash` of a state without locks. */
export const noLocks = `0x${'0'.repeat(64)}` as const;

/** A conditional payment: the amount is the verifier's when the key is known before the expiry. */
export const lockSchema = z.strictObject({
  /** SHA-256 of the bill key. */
  keyHash: hashSchema,
  /** Of the evidence that it pays for. */
  digest: hashSchema,
  amount: amountSchema,
  /** Last second, Unix, in which the key can be revealed on chain. */
  expiry: uintSchema,
});

/** See {@link lockSchema}. */
export type Lock = z.output<typeof lockSchema>;

/** What both sides sign: `State` of `EvidenceChannels`, together with the channel's id. */
export const channelStateSchema = z.strictObject({
  version: uintSchema.max(maxVersion),
  requesterBalance: amountSchema,
  verifierBalance: amountSchema,
  /** keccak256 of {@link packLocks}; zero for none. */
  locksHash: hashSchema,
  /** Root of the RFC 9162 tree over the digests of all bills folded. */
  evidenceRoot: hashSchema,
  evidenceCount: uintSchema,
});

/** See {@link channelStateSchema}. */
export type ChannelState = z.output<typeof channelStateSchema>;

/** A state with both signatures, 64 or 65 bytes each. */
export const signedStateSchema = z.strictObject({
  state: channelStateSchema,
  requesterSignature: hexSchema(64, 65),
  verifierSignature: hexSchema(64, 65),
});

/** See {@link signedStateSchema}. */
export type SignedState = z.output<typeof signedStateSchema>;

/** What both sides sign to end the channel at once: `Close`, together with the channel's id. */
export const closingSchema = channelStateSchema.omit({ version: true, locksHash: true });

/** See {@link closingSchema}. */
export type Closing = z.output<typeof closingSchema>;

/** The state that nobody signs: version 0, all is the requester's. */
export function firstState(held: bigint): ChannelState {
  return {
    version: 0,
    requesterBalance: held,
    verifierBalance: 0n,
    locksHash: noLocks,
    evidenceRoot: toHex(emptyRoot),
    evidenceCount: 0,
  };
}

/** The locks as the contract takes them: 88 bytes each: key hash (32), digest (32), amount (16), expiry (8). */
export function packLocks(locks: readonly Lock[]): Uint8Array {
  return concat(
    ...locks.flatMap(({ keyHash, digest, amount, expiry }) => {
      if (amount > maxAmount) throw new RangeError('the amount does not fit 128 bits');
      return [fromHex(keyHash), fromHex(digest), bigUintWord(amount).subarray(16), uintWord(expiry).subarray(24)];
    }),
  );
}

/** keccak256 of the packed locks; zero for none. */
export function locksHashOf(locks: readonly Lock[], keccak256: Crypto['keccak256'] = portableCrypto.keccak256): Hash {
  return locks.length === 0 ? noLocks : toHex(keccak256(packLocks(locks)));
}

const stateHasher = structHasher(
  'State(bytes32 channelId,uint64 version,uint128 requesterBalance,uint128 verifierBalance,bytes32 locksHash,bytes32 evidenceRoot,uint64 evidenceCount)',
);
const closeHasher = structHasher(
  'Close(bytes32 channelId,uint128 requesterBalance,uint128 verifierBalance,bytes32 evidenceRoot,uint64 evidenceCount)',
);

/** What both sides sign for a state: EIP-712 `State`. */
export function stateDigest(
  network: ChannelNetwork,
  channelId: Hash,
  state: ChannelState,
  keccak256: Crypto['keccak256'] = portableCrypto.keccak256,
): Uint8Array {
  const words = [
    hashWord(channelId),
    uintWord(state.version),
    bigUintWord(state.requesterBalance),
    bigUintWord(state.verifierBalance),
    hashWord(state.locksHash),
    hashWord(state.evidenceRoot),
    uintWord(state.evidenceCount),
  ];
  return stateHasher.digest(network, words, keccak256);
}

/** What both sides sign to close together: EIP-712 `Close`. */
export function closeDigest(
  network: ChannelNetwork,
  channelId: Hash,
  closing: Closing,
  keccak256: Crypto['keccak256'] = portableCrypto.keccak256,
): Uint8Array {
  const words = [
    hashWord(channelId),
    bigUintWord(closing.requesterBalance),
    bigUintWord(closing.verifierBalance),
    hashWord(closing.evidenceRoot),
    uintWord(closing.evidenceCount),
  ];
  return closeHasher.digest(network, words, keccak256);
}
