import type { Address, Hash, Hex } from '../core/bytes.ts';
import type { Ballot, ProposalId } from '../core/governance/signing.ts';

/** A draft that was completed to a content, so that the same draft again proposes nothing new. */
export type StoredDraft = {
  /** SHA-256 of the draft's canonical JSON. */
  readonly draftHash: Hash;
  readonly contentHash: Hash;
  /** Canonical JSON of the content: what is proposed, also when the evidence store has not got it yet. */
  readonly content: string;
  /** The last second in which it can be handed in, Unix. */
  readonly validUntil: number;
};

/** A vote by signature. */
export type StoredBallot = Ballot & { readonly signature: Hex };

/** A centre's signature over the outcome of a proposal. */
export type OutcomeSignature = {
  readonly proposalId: ProposalId;
  readonly centre: Address;
  /** What was signed: `outcomeDigest`. */
  readonly digest: Hash;
  readonly signature: Hex;
};

/** The part of the store about what centres sign of proposals. Checked by who calls; here it is only kept. */
export type BallotStore = {
  proposalDraft(draftHash: Hash): Promise<StoredDraft | undefined>;
  /**
   * Keeps a draft and answers the one that stands: the first, unless `instead` names its content as one that came to
   * nothing.
   */
  keepProposalDraft(draft: StoredDraft, instead?: Hash): Promise<StoredDraft>;
  /** In the order of the voters' addresses. */
  ballots(proposalId: ProposalId): Promise<StoredBallot[]>;
  /** Keeps a ballot and answers the voter's one that stands: the first. */
  keepBallot(ballot: StoredBallot): Promise<StoredBallot>;
  /** Takes a ballot out that the chain does not take. */
  dropBallot(ballot: Pick<StoredBallot, 'proposalId' | 'voter' | 'signature'>): Promise<void>;
  /** In the order of the centres' addresses. */
  outcomeSignatures(proposalId: ProposalId): Promise<OutcomeSignature[]>;
  /** Keeps this centre's own signature before it is given away, and answers the one that stands: the first. */
  signOutcome(own: OutcomeSignature): Promise<OutcomeSignature>;
  /** Keeps those of other centres; the latest of each stands. */
  keepOutcomeSignatures(others: readonly OutcomeSignature[]): Promise<void>;
};
