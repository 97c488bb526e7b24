import type { ErrorCodes } from '../callErrors.ts';

const ofProposals: ErrorCodes = {
  GovernorNonexistentProposal: 'proposal-unknown',
  GovernorUnexpectedProposalState: 'proposal-state',
};

/** The codes of each call. What a proposal's own calls revert with is named in `execute` by none of them. */
export const codesOf = {
  propose: {
    GovernorUnexpectedProposalState: 'proposal-exists',
    BaseOutdated: 'proposal-outdated',
    PlaceUnknown: 'elector-unknown',
    GovernorInvalidSignature: 'ballot-invalid',
  },
  castVote: { ...ofProposals, NotElector: 'elector-unknown', GovernorAlreadyCastVote: 'vote-cast' },
  castVotes: { ...ofProposals, GovernorInvalidSignature: 'ballot-invalid', GasRefused: 'ballot-invalid' },
  cancel: { ...ofProposals, GovernorUnableToCancel: 'elector-unknown' },
  execute: ofProposals,
  resources: { VersionUnknown: 'resource-unknown', NotReporter: 'elector-unknown' },
} as const satisfies Record<string, ErrorCodes>;
