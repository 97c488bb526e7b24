import type { VoteRequest } from '../../core/governance/ballot.ts';
import type { ProposalId } from '../../core/governance/signing.ts';
import { BallotExchange } from './BallotExchange.ts';
import { type Changed, cancelProposal, executeProposal } from './changeProposal.ts';
import type { GovernanceParts, GovernanceWorker } from './GovernanceParts.ts';
import { OutcomeExchange } from './OutcomeExchange.ts';
import { ProposalDuties } from './ProposalDuties.ts';
import { type Proposed, propose } from './propose.ts';
import { type Voted, vote } from './vote.ts';

/**
 * What a centre does about proposals when it is asked to. Each can be asked for again, after a crash for instance, and is the
 * same then. The signals end the waiting, not what is under way.
 */
export type ProposalActions = {
  /** Proposes what a draft, or a signed proposal, says; see propose.ts. */
  propose(text: string | Uint8Array, signal?: AbortSignal): Promise<Proposed & { readonly isNew: boolean }>;
  /** Votes as this centre, or takes a ballot that was signed elsewhere; see vote.ts. */
  vote(proposalId: ProposalId, request: VoteRequest, signal?: AbortSignal): Promise<Voted>;
  /** See {@link cancelProposal}. */
  cancel(proposalId: ProposalId, signal?: AbortSignal): Promise<Changed>;
  /** See {@link executeProposal}. */
  execute(proposalId: ProposalId, signal?: AbortSignal): Promise<Changed>;
};

/** Opens the verbs, the protocols between centres, and what is done by itself. */
export function openProposals(parts: GovernanceParts): {
  readonly actions: ProposalActions;
  readonly duties: GovernanceWorker;
} {
  const ballots = new BallotExchange(parts);
  const outcomes = new OutcomeExchange(parts);
  const { dutyStepMs: stepMs, autoExecute: executes } = parts.settings;
  return {
    actions: {
      propose: (text, signal) => propose(parts, text, signal),
      vote: (id, request, signal) => vote(parts, (ballot) => ballots.spread(ballot), id, request, signal),
      cancel: (id, signal) => cancelProposal(parts, id, signal),
      execute: (id, signal) => executeProposal(parts, id, signal),
    },
    duties: new ProposalDuties(parts, { ballots, outcomes }, { stepMs, executes }),
  };
}
