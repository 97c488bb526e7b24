/**
 * What tests of admission and the gas table work with: attestations, by EIP-712 as ethers has it. Nothing of Hardhat is loaded
 * with it, and nothing of the services: they are compared with this.
 */
import { concat, id, TypedDataEncoder } from 'ethers';
import type { entryOf, Member } from './anchorKit.ts';
import type { Domain } from './governorKit.ts';

export type Entry = ReturnType<typeof entryOf>;

/** With the names of the contract's `AdmissionRules`. */
export const strictRules = {
  manifestHash: id('manifest'),
  attestations: 2n,
  reapplySeconds: 3_600n,
  minScore: 500n,
  renewSeconds: 2_592_000n,
  minHashesPerSecond: 1_000_000n,
  memoryMiB: 256n,
  minMemoryPassesPerMinute: 30n,
  minWrittenMiBPerSecond: 50n,
  minReadMiBPerSecond: 100n,
};

/** The contract's `Application`. */
export type Application = {
  entryHash: string;
  manifestHash: string;
  profileDigest: string;
  score: bigint;
  expiry: bigint;
  nonce: bigint;
};

const Entry = [
  { name: 'name', type: 'string' },
  { name: 'endpoint', type: 'string' },
  { name: 'encryptionKey', type: 'bytes32' },
  { name: 'noteKey', type: 'bytes32' },
];
const attestationTypes = {
  Attestation: [
    { name: 'candidate', type: 'address' },
    { name: 'entry', type: 'Entry' },
    { name: 'manifestHash', type: 'bytes32' },
    { name: 'profileDigest', type: 'bytes32' },
    { name: 'score', type: 'uint32' },
    { name: 'expiry', type: 'uint48' },
    { name: 'nonce', type: 'uint48' },
  ],
  Entry,
};

/** What a candidate applies with, right in every way but for `changes`. */
export function applicationOf(entry: Entry, changes: Partial<Application> & { expiry: bigint }): Application {
  const entryHash = TypedDataEncoder.hashStruct('Entry', { Entry }, entry);
  const { manifestHash } = strictRules;
  return { entryHash, manifestHash, profileDigest: id('profile'), score: 700n, nonce: 0n, ...changes };
}

/** What an authenticator signs. */
export const attestationDigest = (domain: Domain, entry: Entry, application: Application): string =>
  TypedDataEncoder.hash(domain, attestationTypes, { candidate: entry.account, entry, ...application });

/** First 20 bytes of the struct's hash. */
export const applicationName = (entry: Entry, application: Application): string =>
  TypedDataEncoder.hashStruct('Attestation', attestationTypes, {
    candidate: entry.account,
    entry,
    ...application,
  }).slice(0, 42);

/** 64 bytes each, in ascending order of the addresses. */
export const attestedBy = (attesters: readonly Member[], digest: string): string =>
  concat(
    [...attesters]
      .sort((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1))
      .map(({ key }) => key.sign(digest).compactSerialized),
  );
