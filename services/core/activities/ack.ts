import { z } from 'zod';
import { type Address, type Hash, toHex, utf8 } from '../bytes.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import { hashWord, type Network, structHasher, uintWord } from '../eip712.ts';
import { addressSchema, hashSchema, hexSchema, uintSchema } from '../schemas.ts';
import type { Signer } from '../signature.ts';
import { recovered } from './credential.ts';

/** How far a message has come at a member: on its disk as it came, or decrypted, checked and stored. */
export const ackStages = ['delivered', 'read'] as const;

/** See {@link ackStages}. */
export type AckStage = (typeof ackStages)[number];

/** A member's signed word that it has a message. */
export const ackSchema = z.strictObject({
  /** Digest of the seal. */
  seal: hashSchema,
  stage: z.enum(ackStages),
  member: addressSchema,
  /** Unix seconds. */
  time: uintSchema,
  signature: hexSchema(64, 65),
});

/** See {@link ackSchema}. */
export type Ack = z.infer<typeof ackSchema>;

const hasher = structHasher('ActivityAck(bytes32 seal,string stage,uint64 time)');

function ackDigest(
  network: Network,
  { seal, stage, time }: Pick<Ack, 'seal' | 'stage' | 'time'>,
  keccak256: Crypto['keccak256'],
): Uint8Array {
  return hasher.digest(network, [hashWord(seal), keccak256(utf8(stage)), uintWord(time)], keccak256);
}

/** An acknowledgement of the signer's. */
export async function signAck(
  network: Network,
  ack: Pick<Ack, 'seal' | 'stage' | 'time'>,
  signer: Signer,
  crypto: Crypto = portableCrypto,
): Promise<Ack> {
  const signature = toHex(await signer.sign(ackDigest(network, ack, crypto.keccak256)));
  return { ...ack, member: signer.address, signature };
}

/** Whether it is that member's, about that seal. */
export function isAckOf(
  network: Network,
  ack: Ack,
  want: { readonly seal: Hash; readonly member: Address },
  crypto: Crypto = portableCrypto,
): boolean {
  if (ack.seal !== want.seal || ack.member !== want.member) return false;
  return recovered(crypto, ackDigest(network, ack, crypto.keccak256), ack.signature) === want.member;
}
