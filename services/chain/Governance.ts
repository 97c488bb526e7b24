import type { Address, Hash, Hex } from '../core/bytes.ts';
import type { Aggregation, ProposalKind, Support } from '../core/governance/names.ts';
import type { ProposalContent, Rule } from '../core/governance/proposalContent.ts';
import type { ProposalState } from '../core/governance/proposalState.ts';
import type { Ballot, ProposalId, ResourceReport, Verifier } from '../core/governance/signing.ts';
import type { CallOptions, MinedCall } from './SentTransaction.ts';

/** Where an event stands on the chain. */
export type EventPlace = {
  readonly blockNumber: number;
  readonly blockHash: Hash;
  readonly logIndex: number;
  readonly transactionHash: Hash;
  /** Of the block, Unix seconds. */
  readonly timestamp: number;
};

/** A block of the chain; `timestamp` in Unix seconds. */
export type ChainBlock = { readonly number: number; readonly hash: Hash; readonly timestamp: number };

/** Where a version of a resource set stands, as the contract says. */
export type VersionState = 'passed' | 'applied' | 'verified' | 'failed';

/** What happened to a proposal or a resource set, by the chain's own events. */
export type GovernanceEvent = { readonly place: EventPlace } & (
  | {
      readonly type: 'proposal.created';
      readonly proposalId: ProposalId;
      readonly proposer: Address;
      readonly kind: ProposalKind;
      readonly contentHash: Hash;
      /** First and last second in which votes are taken. */
      readonly voteStart: number;
      readonly voteEnd: number;
      readonly validUntil: number;
      /** The proposer's, over `Proposal`. */
      readonly signature: Hex;
      /** Selector and arguments of each call that it makes once it has passed. */
      readonly calls: readonly Hex[];
      /** `<kind> 0x<content hash>#proposer=0x<address>`. */
      readonly description: string;
    }
  | {
      readonly type: 'vote.cast';
      readonly proposalId: ProposalId;
      readonly voter: Address;
      readonly support: Support;
      readonly votes: number;
      readonly reason: string;
    }
  | { readonly type: 'proposal.canceled' | 'proposal.executed'; readonly proposalId: ProposalId }
  | { readonly type: 'rule.set'; readonly kind: ProposalKind; readonly rule: Rule }
  | {
      readonly type: 'weights.set';
      readonly version: number;
      readonly weights: readonly { readonly account: Address; readonly votes: number }[];
    }
  | {
      readonly type: 'version.added';
      readonly resourceSet: Hash;
      readonly version: number;
      readonly proposalId: ProposalId;
      /** The version that it was made from; 0 for the first. */
      readonly parent: number;
      /** The nodes that report are the committee of this epoch. */
      readonly epoch: number;
      readonly configurationHash: Hash;
      readonly uri: string;
    }
  | {
      readonly type: 'version.reported';
      readonly resourceSet: Hash;
      readonly version: number;
      readonly reporter: Address;
      readonly matches: boolean;
      readonly sequence: number;
      readonly actualHash: Hash;
      readonly recordId: Hash;
    }
  | {
      readonly type: 'version.state';
      readonly resourceSet: Hash;
      readonly version: number;
      readonly state: VersionState;
    }
);

/** A proposal as the chain keeps it now. */
export type ChainProposal = {
  readonly proposalId: ProposalId;
  readonly state: ProposalState;
  readonly kind: ProposalKind;
  readonly aggregation: Aggregation;
  readonly proposer: Address;
  /** The electorate is the committee of this epoch. */
  readonly epoch: number;
  readonly voteStart: number;
  readonly voteEnd: number;
  readonly forVotes: number;
  readonly againstVotes: number;
  readonly abstainVotes: number;
  readonly totalVotes: number;
  readonly quorumVotes: number;
  /** In the order of their places. */
  readonly electorate: readonly { readonly account: Address; readonly votes: number; readonly hasVoted: boolean }[];
};

/** What a proposer signs and hands in. */
export type ProposalDraft = {
  readonly content: ProposalContent;
  readonly contentHash: Hash;
  /** The last second in which it can be handed in, Unix. */
  readonly validUntil: number;
};

/** A version of a resource set as the chain keeps it now. */
export type ResourceVersion = {
  readonly version: number;
  readonly state: VersionState;
  readonly parent: number;
  readonly epoch: number;
  readonly passedAt: number;
  /** Nodes whose latest report says right, and something else. */
  readonly matching: number;
  readonly differing: number;
  readonly configurationHash: Hash;
  readonly proposalId: ProposalId;
  readonly uri: string;
};

/** A transaction of the chain, as result data carries it. Amounts in wei, as decimal text. */
export type TransactionData = {
  readonly hash: Hash;
  readonly type: number;
  readonly nonce: number;
  readonly from: Address;
  readonly amountWei: string;
  readonly recipient: Address;
  /** What it paid for a unit of gas. */
  readonly gasPriceWei: string;
  readonly gasLimit: string;
  readonly gasUsed: string;
  readonly blockNumber: number;
  readonly signature: { readonly r: Hash; readonly s: Hash; readonly v: number };
};

/**
 * `ConsortiumGovernor` and `ResourceRegistry` of the network. Everything that sends waits until the transaction is in a block,
 * and is sent again for more when it is stuck. It throws `chain-call-rejected` with data `{ error, args }` (custom errors of the
 * contracts) where no code of its own is named, and everything throws the codes of {@link Chain}.
 */
export type Governance = {
  readonly governor: Verifier;
  readonly resources: Verifier;
  /** Newest block of the chain. */
  newestBlock(): Promise<ChainBlock>;
  /** The block at a number now; undefined beyond the newest. */
  blockAt(blockNumber: number): Promise<ChainBlock | undefined>;
  /**
   * The first block that can have events: that of the governor's deployment, with the first rules. Where the node has
   * forgotten the states of old blocks, the block before which the chain was opened to look for nothing.
   */
  firstBlock(): Promise<number>;
  /** Events of both contracts in these blocks, both included, in chain order. */
  events(fromBlock: number, toBlock: number): Promise<GovernanceEvent[]>;
  rule(kind: ProposalKind): Promise<Rule>;
  /** @returns undefined where there is no such proposal. */
  proposal(proposalId: ProposalId): Promise<ChainProposal | undefined>;
  /** Whether an account signed a digest, as the contracts see it: by its key, else by the wallet at its address (ERC-1271). */
  isSignedBy(account: Address, digest: Uint8Array, signature: Uint8Array): Promise<boolean>;
  /** The calls that an effect stands for, in order: selector and arguments. */
  callsOf(content: ProposalContent): Hex[];
  /** The number that a draft will have. */
  proposalIdOf(draft: ProposalDraft): Promise<ProposalId>;
  /**
   * Hands a signed proposal in; the account that pays need not be the proposer.
   * @param signature The proposer's, over `proposalDigest`.
   * @throws NotariumError `proposal-exists`, `proposal-outdated`, `elector-unknown` (the proposer is no centre),
   *   `ballot-invalid` (the signature), `chain-call-rejected`.
   */
  propose(draft: ProposalDraft, signature: Uint8Array, options?: CallOptions): Promise<MinedCall>;
  /**
   * Votes as the account itself.
   * @throws NotariumError `proposal-unknown`, `proposal-state`, `elector-unknown`, `vote-cast`.
   */
  castVote(vote: Omit<Ballot, 'voter'>, options?: CallOptions): Promise<MinedCall>;
  /**
   * Hands collected votes in, in one batch; those of who has voted already are passed over. Nothing is sent where the wallets
   * among the voters take more than a million gas each.
   * @throws NotariumError `proposal-unknown`, `proposal-state`, `elector-unknown`, `ballot-invalid`; `chain-answer-invalid` with
   *   data { reverted } where so many transactions were mined and came to nothing.
   */
  castVotes(
    proposalId: ProposalId,
    votes: readonly (Ballot & { readonly signature: Uint8Array })[],
    options?: CallOptions,
  ): Promise<MinedCall>;
  /**
   * Hands collected votes in that decide, and makes the proposal's calls in the same transaction: 21,000 gas less than one after
   * the other. Where they do not decide, or a call fails, nothing has happened. Not for votes of contract wallets: what those take
   * to look at a signature could not be told from what the calls take.
   * @throws NotariumError `proposal-unknown`, `proposal-state` (not open, or not decided by these votes), `elector-unknown`,
   *   `ballot-invalid` (one of a wallet too), `chain-call-rejected` (a call of it fails); `chain-answer-invalid` as
   *   {@link Governance.castVotes}.
   */
  castVotesAndExecute(
    event: Extract<GovernanceEvent, { type: 'proposal.created' }>,
    votes: readonly (Ballot & { readonly signature: Uint8Array })[],
    options?: CallOptions,
  ): Promise<MinedCall>;
  /**
   * Takes a proposal of the account's own back before the vote starts.
   * @throws NotariumError `proposal-unknown`, `proposal-state`, `elector-unknown` (not the proposer).
   */
  cancel(event: Extract<GovernanceEvent, { type: 'proposal.created' }>, options?: CallOptions): Promise<MinedCall>;
  /** @throws NotariumError `proposal-unknown`, `proposal-state`, `chain-call-rejected` (a call of it fails). */
  execute(event: Extract<GovernanceEvent, { type: 'proposal.created' }>, options?: CallOptions): Promise<MinedCall>;
  /** The version that the next one must follow and the one in force; 0 where there is none; and how many there ever were. */
  resourceHeads(
    resourceSet: Hash,
  ): Promise<{ readonly head: number; readonly inForce: number; readonly count: number }>;
  /** @throws NotariumError `resource-unknown`. */
  resourceVersion(resourceSet: Hash, version: number): Promise<ResourceVersion>;
  /** Greatest sequence that a node has reported with; 0 where it has not. */
  reportSequence(resourceSet: Hash, version: number, reporter: Address): Promise<number>;
  /** Reports as the account itself. @throws NotariumError `resource-unknown`, `elector-unknown`. */
  submitReport(report: Omit<ResourceReport, 'reporter'>, options?: CallOptions): Promise<MinedCall>;
  /** @returns undefined where the chain has no such mined transaction. */
  transactionData(hash: Hash): Promise<TransactionData | undefined>;
};
