import { type Address, concat, type Hash, type Hex, toHex, utf8 } from '../bytes.ts';
import { portableCrypto } from '../crypto.ts';
import { addressWord, hashWord, structHasher, uintWord } from '../eip712.ts';
import type { NodeEntry } from '../governance/proposalContent.ts';
import type { Verifier } from '../governance/signing.ts';
import { compactSignature } from '../signature.ts';

/** What a candidate applies with, and authenticators attest: `Application` of `NodeRegistry`. */
export type ApplicationFields = {
  /** {@link entryHashOf} the candidate's information. */
  readonly entryHash: Hash;
  /** Of the protocol manifest that the candidate proved to hold. */
  readonly manifestHash: Hash;
  /** SHA-256 of the candidate's profile. */
  readonly profileDigest: Hash;
  readonly score: number;
  /** The last second in which the candidate can apply with it and be admitted, Unix. */
  readonly expiry: number;
  /** Unix time of the candidate's application before, 0 for the first: so an attestation serves once. */
  readonly nonce: number;
};

/** What is attested beside the candidate's information. */
export type AttestedFields = Omit<ApplicationFields, 'entryHash'>;

/** Information of a candidate; its account is named beside it. */
export type EntryFields = Omit<NodeEntry, 'account'>;

const entryType = 'Entry(string name,string endpoint,bytes32 encryptionKey,bytes32 noteKey)';
const entryHasher = structHasher(entryType);
const attestationHasher = structHasher(
  `Attestation(address candidate,Entry entry,bytes32 manifestHash,bytes32 profileDigest,uint32 score,uint48 expiry,uint48 nonce)${entryType}`,
);

const entryHashBytes = (entry: EntryFields, keccak256: typeof portableCrypto.keccak256): Uint8Array =>
  entryHasher.structHash(
    [
      keccak256(utf8(entry.name)),
      keccak256(utf8(entry.endpoint)),
      hashWord(entry.encryptionKey),
      hashWord(entry.noteKey),
    ],
    keccak256,
  );

/** EIP-712 hash of a candidate's information, `Entry`. */
export function entryHashOf(entry: EntryFields, keccak256 = portableCrypto.keccak256): Hash {
  return toHex(entryHashBytes(entry, keccak256));
}

const attestationWords = (
  candidate: Address,
  entry: EntryFields,
  { manifestHash, profileDigest, score, expiry, nonce }: AttestedFields,
  keccak256: typeof portableCrypto.keccak256,
): Uint8Array[] => [
  addressWord(candidate),
  entryHashBytes(entry, keccak256),
  hashWord(manifestHash),
  hashWord(profileDigest),
  uintWord(score),
  uintWord(expiry),
  uintWord(nonce),
];

/**
 * What an authenticator signs about a candidate: EIP-712 `Attestation` under the registry.
 * @param registry `NodeRegistry`: `chain.admission.registry`.
 */
export function attestationDigest(
  registry: Verifier,
  candidate: Address,
  entry: EntryFields,
  application: AttestedFields,
  keccak256 = portableCrypto.keccak256,
): Uint8Array {
  return attestationHasher.digest(registry, attestationWords(candidate, entry, application, keccak256), keccak256);
}

/** What an application is called, by whoever votes on it: the first 20 bytes of the EIP-712 hash of its struct. */
export function applicationNameOf(
  candidate: Address,
  entry: EntryFields,
  application: AttestedFields,
  keccak256 = portableCrypto.keccak256,
): Hex {
  const words = attestationWords(candidate, entry, application, keccak256);
  return toHex(attestationHasher.structHash(words, keccak256).subarray(0, 20));
}

/**
 * Attestations of one application as the registry takes them: 64 bytes each (EIP-2098), in ascending order of the
 * authenticators.
 * @throws NotariumError `signature-malformed`, `signature-malleable`.
 */
export function packAttestations(
  attestations: readonly { readonly address: Address; readonly signature: Uint8Array }[],
): Uint8Array {
  const sorted = [...attestations].sort((a, b) => (a.address < b.address ? -1 : 1));
  return concat(...sorted.map(({ signature }) => compactSignature(signature)));
}
