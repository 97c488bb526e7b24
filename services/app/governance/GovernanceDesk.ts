import type { ResourceDesk } from '../resources/ResourceDesk.ts';
import type { ProposalLookUp } from './lookUp.ts';
import type { ProposalActions } from './openProposals.ts';

/** What HTTP and the command line may ask of a centre about proposals and resource sets. */
export type GovernanceDesk = ProposalLookUp & ProposalActions & ResourceDesk;
