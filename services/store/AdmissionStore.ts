import type { Purpose } from '../core/admission/joinRequest.ts';
import type { Address, Hash } from '../core/bytes.ts';
import type { WriteOptions } from './WriteOptions.ts';

/** What became of a candidate's session with this authenticator. */
export type AdmissionOutcome = {
  readonly candidate: Address;
  /** Range of addresses that the candidate came from: attempts are counted for it. Never the address itself. */
  readonly network: string;
  readonly outcome: 'passed' | 'failed';
  readonly purpose: Purpose;
  /** Of the error that it failed with. */
  readonly code?: string;
  readonly timeMs: number;
  /** Report or refusal: canonical JSON, and its SHA-256. */
  readonly documentHash: Hash;
  readonly document: string;
  /** The signed record about it, as the log takes it. */
  readonly entry: string;
};

/** An outcome as kept; `seq` grows in the order in which they came. */
export type StoredOutcome = AdmissionOutcome & {
  readonly seq: number;
  /** Whether the log has taken its record. */
  readonly isRecorded: boolean;
};

/** How a centre stands with the minimum, as this authenticator has found it. */
export type CentreStanding = {
  readonly address: Address;
  /** Since when it has been known here as a centre. */
  readonly sinceMs: number;
  /** Why it is below the minimum; left out while it is not. */
  readonly reason?: string;
};

/** The part of the store about what an authenticator has found out. */
export type AdmissionStore = {
  /**
   * Keeps an outcome, and lets go of those from before `keepFromMs`, but for the last one that a candidate has passed with and
   * those that the log has not taken yet.
   * @returns its seq.
   */
  addOutcome(outcome: AdmissionOutcome, keepFromMs: number): Promise<number>;
  /** Newest first. */
  outcomes(query: {
    readonly candidate?: Address;
    readonly beforeSeq?: number;
    readonly limit: number;
  }): Promise<StoredOutcome[]>;
  /** When attempts of a candidate, or from a network, failed since a moment; newest first. */
  failedAttempts(
    of: { readonly candidate: Address } | { readonly network: string },
    sinceMs: number,
    limit: number,
  ): Promise<number[]>;
  /** The newest outcome with a document. */
  outcomeOfDocument(documentHash: Hash): Promise<StoredOutcome | undefined>;
  /** The newest of a candidate with this outcome, of one purpose or of all. */
  lastOutcome(
    candidate: Address,
    outcome: AdmissionOutcome['outcome'],
    purpose?: Purpose,
  ): Promise<StoredOutcome | undefined>;
  /** Outcomes whose records the log has not taken yet, oldest first. */
  unrecordedOutcomes(limit: number): Promise<StoredOutcome[]>;
  outcomeRecorded(seq: number): Promise<void>;
  centreStandings(): Promise<CentreStanding[]>;
  /** Puts these in the place of all. */
  saveCentreStandings(standings: readonly CentreStanding[], options?: WriteOptions): Promise<void>;
};
