import type { ResourceDesk } from '../resources/ResourceDesk.ts';
import type { ProposalActions } from './ProposalActions.ts';
import type { ProposalLookUp } from './ProposalLookUp.ts';

/** What HTTP and the command line may ask of a centre about proposals and resource sets. */
export type GovernanceDesk = ProposalLookUp & ProposalActions & ResourceDesk;
