import type { Purpose } from '../../core/admission/joinRequest.ts';
import type { Manifest } from '../../core/admission/manifest.ts';
import type { Report } from '../../core/admission/report.ts';
import type { AuthenticatorView, SessionAnswer } from '../../core/admission/sessionAnswer.ts';
import type { Address, Hash, Hex } from '../../core/bytes.ts';
import type { ProposalState } from '../../core/governance/proposalState.ts';
import type { ProposalId } from '../../core/governance/signing.ts';

/** A candidate with a published application. Times are Unix seconds. */
export type ApplicationView = {
  readonly candidate: Address;
  readonly name: string;
  readonly endpoint: string;
  readonly encryptionKey: Hash;
  readonly noteKey: Hash;
  readonly status: string;
  /** What a vote on it names. */
  readonly application: Hex;
  readonly appliedAt: number;
  /** The last second in which it can be admitted. */
  readonly expiry: number;
  readonly score: number;
  readonly profileDigest: Hash;
  /** What the authenticator found; left out while no centre gives it. */
  readonly report?: Report;
  /** The newest proposal to admit it. */
  readonly proposal?: { readonly proposalId: ProposalId; readonly state: ProposalState };
};

/** What became of a session, as the operator of the authenticator sees it. */
export type OutcomeView = {
  readonly seq: number;
  readonly candidate: Address;
  readonly network: string;
  readonly outcome: 'passed' | 'failed';
  readonly purpose: Purpose;
  readonly code?: string;
  readonly time: string;
  /** Of report or refusal: the digest of its record in the log. */
  readonly documentHash: Hash;
  readonly recordId: Hash;
  readonly document: Readonly<Record<string, unknown>>;
};

/** Which outcomes to list. */
export type OutcomeQuery = {
  readonly candidate?: Address | undefined;
  /** `next` of the page before. */
  readonly cursor?: number | undefined;
  readonly limit: number;
};

/** What HTTP may ask of a centre about the admission of others. */
export type AdmissionDesk = {
  /** @throws NotariumError `authenticator-missing`. */
  authenticator(): Promise<AuthenticatorView>;
  /**
   * Canonical bytes of the manifest that the rules on chain name.
   * @throws NotariumError `not-found` while the rules name none; `content-unavailable`, `manifest-invalid`.
   */
  manifest(signal?: AbortSignal): Promise<Uint8Array>;
  /** Makes and keeps the manifest of this network, whose hash may then be voted on. See makeManifest.ts. */
  makeManifest(agreement: string | undefined): Promise<{ readonly hash: Hash; readonly manifest: Manifest }>;
  /** Begins a candidate's session; see Authenticator.ts. @throws NotariumError also `authenticator-missing`. */
  begin(body: string, caller: string | undefined): Promise<SessionAnswer>;
  /** Takes an answer; see Authenticator.ts. @throws NotariumError also `authenticator-missing`. */
  answer(session: string, body: string): Promise<SessionAnswer>;
  /** Candidates with a published application, in the order of the registry. */
  applications(signal?: AbortSignal): Promise<readonly ApplicationView[]>;
  /** undefined where there is none. */
  application(candidate: Address, signal?: AbortSignal): Promise<ApplicationView | undefined>;
  /** What this authenticator has found out, newest first. */
  outcomes(query: OutcomeQuery): Promise<{ readonly items: readonly OutcomeView[]; readonly next?: string }>;
};
