import type { Address, Hash, Hex } from '../core/bytes.ts';

/** Where a node stands; `none` for a stranger. */
export type NodeStatus = 'none' | 'candidate' | 'active' | 'suspended' | 'removed' | 'banned';

/** What a node applied with and has published; times in Unix seconds. */
export type NodeApplication = {
  /** What a vote on it names, 20 bytes. */
  readonly name: Hex;
  readonly appliedAt: number;
  /** The last second in which it can be admitted. */
  readonly expiry: number;
  readonly score: number;
  /** SHA-256 of the candidate's profile. */
  readonly profileDigest: Hash;
};

/** What the registry says about a node. */
export type RegistryNode = {
  readonly address: Address;
  readonly name: string;
  readonly endpoint: string;
  /** X25519 public key, 32 bytes. */
  readonly encryptionKey: Hash;
  /** Ed25519 public key, 32 bytes. */
  readonly noteKey: Hash;
  readonly status: NodeStatus;
  /** Only of an authenticator: allowed by vote to attest candidates, as long as it is active. */
  readonly isAuthenticator?: true;
  /** The last one, once it is published: until then nobody can vote on it. */
  readonly application?: NodeApplication;
};
