import type { Acceptance } from '../../core/acceptance.ts';
import type { Address, Hash, RecordId } from '../../core/bytes.ts';
import type { VoteRequest } from '../../core/governance/ballot.ts';
import type { Support } from '../../core/governance/names.ts';
import type { ProposalId } from '../../core/governance/signing.ts';

/** What became of a request to propose. */
export type Proposed = {
  readonly proposalId: ProposalId;
  readonly contentHash: Hash;
  /** Of the request, in the log. */
  readonly recordId: RecordId;
  /** Left out where the record is in the log already. */
  readonly acceptance?: Acceptance;
  /** Left out where the proposal was there already, and is not confirmed yet. */
  readonly transactionHash?: Hash;
};

/** A vote that stands on the chain, or will once it is handed in. */
export type Voted = {
  readonly proposalId: ProposalId;
  readonly voter: Address;
  readonly support: Support;
  readonly reason: string;
} & (
  | { readonly by: 'transaction'; readonly transactionHash: Hash }
  /** Kept here, and told to the other centres. */
  | { readonly by: 'signature'; readonly signature: string }
);

/** What was done; the hash is left out where it was done already, and is not confirmed yet. */
export type Changed = { readonly proposalId: ProposalId; readonly transactionHash?: Hash };

/**
 * What a centre does about proposals when it is asked to. Each can be asked for again, after a crash for instance, and is the
 * same then. The signals end the waiting, not what is under way.
 */
export type ProposalActions = {
  /** Proposes what a draft, or a signed proposal, says; see propose.ts. */
  propose(text: string | Uint8Array, signal?: AbortSignal): Promise<Proposed & { readonly isNew: boolean }>;
  /** Votes as this centre, or takes a ballot that was signed elsewhere; see vote.ts. */
  vote(proposalId: ProposalId, request: VoteRequest, signal?: AbortSignal): Promise<Voted>;
  /** Takes a proposal of this centre's own back before the vote starts; see changeProposal.ts. */
  cancel(proposalId: ProposalId, signal?: AbortSignal): Promise<Changed>;
  /** Executes what has passed; see changeProposal.ts. */
  execute(proposalId: ProposalId, signal?: AbortSignal): Promise<Changed>;
};
