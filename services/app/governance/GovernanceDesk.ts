import type { ResourceDesk } from '../resources/Resources.ts';
import type { ProposalActions } from './openProposals.ts';
import type { ProposalLookUp } from './ProposalLookUp.ts';

/** What HTTP and the command line may ask of a centre about proposals and resource sets. */
export type GovernanceDesk = ProposalLookUp & ProposalActions & ResourceDesk;
