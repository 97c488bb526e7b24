import { z } from 'zod';
import { textAtMost } from '../admission/text.ts';
import { type Address, concat, type Hash, toHex, utf8 } from '../bytes.ts';
import { type Crypto, portableCrypto } from '../crypto.ts';
import { addressWord, hashWord, type Network, structHasher, uintWord } from '../eip712.ts';
import { NotariumError } from '../errors.ts';
import { addressSchema, hashSchema, hexSchema, uintSchema } from '../schemas.ts';
import { recoverAddress, type Signer, signatureBytes } from '../signature.ts';

/** A node's word that a device without a node of its own may speak through it, for a time. The node can take it back. */
export const credentialSchema = z.strictObject({
  id: hashSchema,
  /** The node through which it speaks. */
  operator: addressSchema,
  /** By whose key the device signs. */
  device: addressSchema,
  name: textAtMost(128).min(1),
  /** Unix seconds, both included. */
  notBefore: uintSchema,
  expires: uintSchema,
  /** Of the operator: EIP-712 `DeviceCredential`. */
  signature: hexSchema(64, 65),
});

/** See {@link credentialSchema}. */
export type Credential = z.infer<typeof credentialSchema>;

const hasher = structHasher(
  'DeviceCredential(bytes32 id,address operator,address device,string name,uint64 notBefore,uint64 expires)',
);
const statementHasher = structHasher(
  'DeviceStatement(bytes32 credential,bytes32 activity,string type,bytes32[] on,uint64 time,bytes32 body,bytes32 attachments)',
);

/** Where a device says something: no other credential, activity or place can take its word over. */
export type DevicePlace = {
  /** Id of its credential. */
  readonly credential: Hash;
  /** Its id; of a start the salt of that, see `deviceSalt`. */
  readonly activity: Hash;
  readonly type: 'start' | 'update' | 'note';
  /** Versions that an update builds on, in this order; the one that a note is on; none for a start. */
  readonly on: readonly Hash[];
  /** When it says so, by its own clock: Unix seconds. */
  readonly time: number;
};

function credentialDigest(
  network: Network,
  { id, operator, device, name, notBefore, expires }: Omit<Credential, 'signature'>,
  keccak256: Crypto['keccak256'],
): Uint8Array {
  const words = [
    hashWord(id),
    addressWord(operator),
    addressWord(device),
    keccak256(utf8(name)),
    uintWord(notBefore),
    uintWord(expires),
  ];
  return hasher.digest(network, words, keccak256);
}

/** A credential of the signer's. */
export async function signCredential(
  network: Network,
  credential: Omit<Credential, 'operator' | 'signature'>,
  signer: Signer,
): Promise<Credential> {
  const whole = { ...credential, operator: signer.address };
  const digest = credentialDigest(network, whole, portableCrypto.keccak256);
  return { ...whole, signature: toHex(await signer.sign(digest)) };
}

/**
 * Checks that the operator has signed it and that it holds at a time (Unix seconds).
 * @throws NotariumError `device-credential-invalid`.
 */
export function checkCredential(
  network: Network,
  credential: Credential,
  time: number,
  crypto: Crypto = portableCrypto,
): void {
  const fail = (detail: string, cause?: unknown): NotariumError =>
    new NotariumError('device-credential-invalid', detail, { data: { id: credential.id }, cause });
  if (
    recovered(crypto, credentialDigest(network, credential, crypto.keccak256), credential.signature) !==
    credential.operator
  )
    throw fail('it is not signed by its operator');
  if (time < credential.notBefore) throw fail('it does not hold yet');
  if (time > credential.expires) throw fail('it has expired');
}

/** What a device signs of a message: where and when it says so, and what. EIP-712 `DeviceStatement`. */
export function deviceStatementDigest(
  network: Network,
  said: DevicePlace & { readonly body: Hash; readonly attachments: Hash },
  keccak256: Crypto['keccak256'] = portableCrypto.keccak256,
): Uint8Array {
  const words = [
    hashWord(said.credential),
    hashWord(said.activity),
    keccak256(utf8(said.type)),
    keccak256(concat(...said.on.map(hashWord))),
    uintWord(said.time),
    hashWord(said.body),
    hashWord(said.attachments),
  ];
  return statementHasher.digest(network, words, keccak256);
}

/** Who has signed; undefined for no signature. */
export function recovered(crypto: Crypto, digest: Uint8Array, signature: string): Address | undefined {
  try {
    return recoverAddress(crypto, digest, signatureBytes(signature));
  } catch {
    return undefined;
  }
}
