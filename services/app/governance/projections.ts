import type { ChainProposal, GovernanceEvent, VersionState } from '../../chain/Governance.ts';
import type { ProposalOutcome } from '../../core/governance/signing.ts';
import type { NoticePlace } from '../../store/GovernanceStore.ts';

/** What an event of this type says, without where it stands. */
type Said<Type extends GovernanceEvent['type'], But extends string = never> = Omit<
  Extract<GovernanceEvent, { type: Type }>,
  'type' | 'place' | But
>;

/** A proposal as it follows from the confirmed events of the chain, and from what never changes of it there. */
export type ProposalProjection = Said<'proposal.created'> &
  Pick<ChainProposal, 'epoch' | 'aggregation' | 'quorumVotes' | 'totalVotes'> & {
    readonly created: NoticePlace;
    /** In the order of their places. */
    readonly electorate: readonly Omit<ChainProposal['electorate'][number], 'hasVoted'>[];
    /** In chain order. */
    readonly votes: readonly (Said<'vote.cast', 'proposalId'> & { readonly place: NoticePlace })[];
    readonly canceled?: NoticePlace;
    readonly executed?: NoticePlace;
    /** Once it is decided: what all centres sign. */
    readonly outcome?: ProposalOutcome;
  };

/** A version of a resource set as it follows from the confirmed events of the chain. */
export type VersionProjection = Said<'version.added'> & {
  readonly state: VersionState;
  readonly added: NoticePlace;
  /** The latest of each reporter, in chain order. */
  readonly reports: readonly (Said<'version.reported', 'resourceSet' | 'version'> & { readonly place: NoticePlace })[];
};
