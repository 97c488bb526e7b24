import { createHmac } from 'node:crypto';
import { fromHex, type Hash, toHex } from '../../../../services/core/bytes.ts';
import { type Bill, billDigest, keyHashOf, type SignedBill } from '../../../../services/core/channels/bill.ts';
import { type Channel, type ChannelNetwork, channelIdOf } from '../../../../services/core/channels/channel.ts';
import type { ChannelSigner, Moment } from '../../../../services/core/channels/party.ts';
import type { RequesterParty } from '../../../../services/core/channels/requesterMemory.ts';
import { compressedPublicKey } from '../../../../services/core/channels/statement.ts';
import type { VerifierParty } from '../../../../services/core/channels/verifierMemory.ts';
import { sha256 } from '../../../../services/core/sha256.ts';
import { compactSignature, publicKeyAddress } from '../../../../services/core/signature.ts';
import { loadCrypto } from '../../../../services/lib/nativeCrypto.ts';

export const crypto = await loadCrypto();
export const network: ChannelNetwork = { chainId: 31337, contract: `0x${'c4'.repeat(20)}` as const };

/** Signs with a private key of one repeated byte. */
export function signerOf(byte: number): ChannelSigner {
  const key = new Uint8Array(32).fill(byte);
  const publicKey = crypto.publicKey(key);
  return {
    address: publicKeyAddress(crypto, publicKey),
    publicKey: toHex(compressedPublicKey(publicKey)),
    sign: (digest) => toHex(compactSignature(crypto.sign(digest, key))),
  };
}

export const alice = signerOf(0xa1);
export const bob = signerOf(0xb0);
export const mallory = signerOf(0xee);

/** SHA-256 of a text. */
export const hashOf = (text: string): Hash => toHex(sha256(new TextEncoder().encode(text)));

export const safetySeconds = 100;
export const billSeconds = 1000;
export const challengeSeconds = 600;

/** Alice's channel at Bob, seen by both. */
export function parties(salt = 1n, amount = 1000n): { requester: RequesterParty; verifier: VerifierParty } {
  const channel: Channel = {
    requester: alice.address,
    verifier: bob.address,
    token: `0x${'00'.repeat(20)}` as const,
    ...{ amount, challengeSeconds, salt },
  };
  const channelId = channelIdOf(network, channel);
  const common = { network, channelId, channel, crypto, safetySeconds, locator: '' };
  return {
    requester: { ...common, signer: alice, maxLockSeconds: 2 * billSeconds },
    verifier: { ...common, signer: bob, keyOf: (billId) => billKey(channelId, billId) },
  };
}

/** The key of a bill of Bob's. */
export function billKey(channelId: Hash, billId: Hash): Hash {
  const hmac = createHmac('sha256', 'the secret of Bob');
  return toHex(new Uint8Array(hmac.update(fromHex(channelId)).update(fromHex(billId)).digest()));
}

/** A bill of Bob's on the evidence of that name. */
export function billOf(
  { channelId, signer }: Pick<VerifierParty, 'channelId' | 'signer'>,
  name: string,
  fields: Partial<Bill> = {},
): SignedBill {
  const id = fields.id ?? hashOf(`bill ${name}`);
  const bill: Bill = {
    ...{ id, channelId, digest: hashOf(name), count: 1, amount: 10n, expiry: 2000 },
    keyHash: keyHashOf(billKey(channelId, id)),
    ...fields,
  };
  return { bill, signature: signer.sign(billDigest(network, bill)) };
}

/** Both clocks at a time. */
export const at = (time: number): Moment => ({ time, chainTime: time });
