import type { VersionState } from '../../chain/Governance.ts';
import type { Address, Hash, Hex } from '../../core/bytes.ts';
import type { Aggregation, ProposalKind, Support } from '../../core/governance/names.ts';
import type { ProposalId, ProposalOutcome } from '../../core/governance/signing.ts';
import type { NoticePlace } from '../../store/GovernanceStore.ts';

/** A proposal as it follows from the confirmed events of the chain, and from what never changes of it there. */
export type ProposalProjection = {
  readonly proposalId: ProposalId;
  readonly proposer: Address;
  readonly kind: ProposalKind;
  readonly contentHash: Hash;
  readonly voteStart: number;
  readonly voteEnd: number;
  readonly validUntil: number;
  readonly signature: Hex;
  readonly calls: readonly Hex[];
  readonly description: string;
  readonly created: NoticePlace;
  readonly epoch: number;
  readonly aggregation: Aggregation;
  readonly quorumVotes: number;
  readonly totalVotes: number;
  /** In the order of their places. */
  readonly electorate: readonly { readonly account: Address; readonly votes: number }[];
  /** In chain order. */
  readonly votes: readonly {
    readonly voter: Address;
    readonly support: Support;
    readonly votes: number;
    readonly reason: string;
    readonly place: NoticePlace;
  }[];
  readonly canceled?: NoticePlace;
  readonly executed?: NoticePlace;
  /** Once it is decided: what all centres sign. */
  readonly outcome?: ProposalOutcome;
};

/** A version of a resource set as it follows from the confirmed events of the chain. */
export type VersionProjection = {
  /** keccak256 of the set's name, as on chain. */
  readonly resourceSet: Hash;
  readonly version: number;
  readonly proposalId: ProposalId;
  /** 0 for the first. */
  readonly parent: number;
  readonly epoch: number;
  readonly configurationHash: Hash;
  readonly uri: string;
  readonly state: VersionState;
  readonly added: NoticePlace;
  /** The latest of each reporter, in chain order. */
  readonly reports: readonly {
    readonly reporter: Address;
    readonly matches: boolean;
    readonly sequence: number;
    readonly actualHash: Hash;
    readonly recordId: Hash;
    readonly place: NoticePlace;
  }[];
};
