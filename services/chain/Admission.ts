import type { ApplicationFields } from '../core/admission/attestation.ts';
import type { Address, Hash, Hex } from '../core/bytes.ts';
import type { AdmissionRules, NodeEntry } from '../core/governance/proposalContent.ts';
import type { Verifier } from '../core/governance/signing.ts';
import type { NodeApplication, NodeStatus } from './RegistryNode.ts';
import type { CallOptions, MinedCall } from './SentTransaction.ts';

/** What the registry says about one account, strangers included: of them all texts are empty and all keys zero. */
export type AdmissionNode = {
  readonly address: Address;
  readonly status: NodeStatus;
  /** Whether it may attest candidates now: allowed by vote, and active. */
  readonly isAuthenticator: boolean;
  /** Allowed by vote, also while it is not active. */
  readonly isListedAuthenticator: boolean;
  /** Unix time of its last application, 0 where it never applied: the nonce of the next one. */
  readonly appliedAt: number;
  /** Name of what it applied with last, 20 bytes; left out where there is none, or it was taken back. */
  readonly application?: Hex;
  /** That application as it was published; left out until it is. */
  readonly published?: NodeApplication;
  readonly name: string;
  readonly endpoint: string;
  /** X25519 public key. */
  readonly encryptionKey: Hash;
  /** Ed25519 public key. */
  readonly noteKey: Hash;
};

/**
 * Admission of new centres, as `NodeRegistry` has it. What sends waits until the transaction is in a block, and is sent again for
 * more when it is stuck. It throws `chain-call-rejected` with data `{ error, args }` (custom errors of the contract) where no code
 * of its own is named, and everything throws the codes of {@link Chain}.
 */
export type Admission = {
  /** What attestations are bound to. */
  readonly registry: Verifier;
  /** What candidates must fulfil now; all zero until a vote has set it. */
  rules(): Promise<AdmissionRules>;
  node(address: Address): Promise<AdmissionNode>;
  /**
   * Makes the account a candidate. The next step is {@link Admission.publish}. What was mined once is refused when it comes again,
   * since its nonce is used: {@link Admission.node} names what the account has applied with.
   * @param signatures As `packAttestations` gives them.
   * @throws NotariumError `admission-closed`; `attestation-expired` with data `{ have, want }` in Unix seconds;
   *   `attestation-invalid` with data `{ error, args }`; `application-early` with data `{ have, want }`: the chain's time, and the
   *   first second in which it is taken; `application-refused` with data `{ status }` of the account.
   */
  applyFor(application: ApplicationFields, signatures: Uint8Array, options?: CallOptions): Promise<MinedCall>;
  /**
   * Publishes the information of what an account has applied with; the account that pays need not be the candidate. Once more does
   * no harm.
   * @param entry Of the candidate, as it was attested.
   * @throws NotariumError `application-refused` with data `{ status }` of an account that is no candidate.
   */
  publish(entry: NodeEntry, application: ApplicationFields, options?: CallOptions): Promise<MinedCall>;
};
