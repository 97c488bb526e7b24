import { BallotExchange } from './BallotExchange.ts';
import { cancelProposal, executeProposal } from './changeProposal.ts';
import type { GovernanceParts, GovernanceWorker } from './GovernanceParts.ts';
import { OutcomeExchange } from './OutcomeExchange.ts';
import type { ProposalActions } from './ProposalActions.ts';
import { ProposalDuties } from './ProposalDuties.ts';
import { propose } from './propose.ts';
import { vote } from './vote.ts';

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
