import { z } from 'zod';
import { type Address, concat, fromHex, type Hash, toHex } from '../bytes.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import { addressWord, bigUintWord, type Network, structHasher, uintWord } from '../eip712.ts';
import { NotariumError } from '../errors.ts';
import { addressSchema, hexSchema, uintSchema } from '../schemas.ts';
import { recoverAddress, signatureBytes } from '../signature.ts';
import { amountSchema, saltSchema } from './amount.ts';

/** Chain and `EvidenceChannels` contract: what everything signed in a channel is bound to. Not the network of the log. */
export type ChannelNetwork = Network;

/** What never changes about an evidence channel: `Channel` of `EvidenceChannels`. Amounts and salt are decimal text in JSON. */
export const channelSchema = z.strictObject({
  /** Who pays; gets what is left. */
  requester: addressSchema,
  /** Who verifies evidence and is paid for it. */
  verifier: addressSchema,
  /** ERC-20 token; zero for the chain's own coin. */
  token: addressSchema,
  /** What the channel was opened with. */
  amount: amountSchema,
  /** How long a state that one side has handed in can be challenged. */
  challengeSeconds: uintSchema.max(2 ** 32 - 1),
  /** Tells two channels of the same kind between the same two apart. */
  salt: saltSchema,
});

/** See {@link channelSchema}. */
export type Channel = z.output<typeof channelSchema>;

/** The id of a channel: keccak256 of chain id, contract and the channel, ABI-encoded. */
export function channelIdOf(
  network: ChannelNetwork,
  channel: Channel,
  keccak256: Crypto['keccak256'] = portableCrypto.keccak256,
): Hash {
  return toHex(
    keccak256(
      concat(
        uintWord(network.chainId),
        addressWord(network.contract),
        addressWord(channel.requester),
        addressWord(channel.verifier),
        addressWord(channel.token),
        bigUintWord(channel.amount),
        uintWord(channel.challengeSeconds),
        bigUintWord(channel.salt),
      ),
    ),
  );
}

/** Longest time that a requester's access to a verifier is signed for. */
export const maxAccessSeconds = 86_400;

/** A requester's leave to use its channel at the verifier's API until a moment. It is shown with each request. */
export const channelAccessSchema = z.strictObject({
  channelId: hexSchema(32),
  /** Unix seconds. */
  expiresAt: uintSchema,
  signature: hexSchema(64, 65),
});

/** See {@link channelAccessSchema}. */
export type ChannelAccess = z.infer<typeof channelAccessSchema>;

const accessHasher = structHasher('ChannelAccess(bytes32 channelId,uint64 expiresAt)');

/** What the requester signs: EIP-712 `ChannelAccess`. */
export function channelAccessDigest(
  network: ChannelNetwork,
  { channelId, expiresAt }: Omit<ChannelAccess, 'signature'>,
  keccak256: Crypto['keccak256'] = portableCrypto.keccak256,
): Uint8Array {
  return accessHasher.digest(network, [fromHex(channelId), uintWord(expiresAt)], keccak256);
}

/**
 * Who has given the access, where it is valid at this moment; only the requester of the channel can.
 * @param atSeconds Unix time.
 * @throws NotariumError `channel-access-invalid`.
 */
export function channelAccessSigner(
  network: ChannelNetwork,
  access: ChannelAccess,
  atSeconds: number,
  crypto: Crypto = portableCrypto,
): Address {
  const left = access.expiresAt - atSeconds;
  if (left <= 0 || left > maxAccessSeconds) {
    throw new NotariumError('channel-access-invalid', `it must be valid for 1 to ${maxAccessSeconds} s more`, {
      data: { expiresAt: access.expiresAt },
    });
  }
  try {
    const digest = channelAccessDigest(network, access, crypto.keccak256);
    return recoverAddress(crypto, digest, signatureBytes(access.signature));
  } catch (cause) {
    throw new NotariumError('channel-access-invalid', 'the signature is not valid', { cause });
  }
}
