import { type ErrorCode, type ErrorData, NotariumError } from '../../core/errors.ts';
import { JsonRpcError } from '../../lib/jsonRpc.ts';
import { revertReason } from '../chainError.ts';

/** Which code stands for which custom error of the contracts, in one call; any other is `chain-call-rejected`. */
export type ErrorCodes = Readonly<Record<string, ErrorCode>>;

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

/** Runs a call; a revert comes out as a NotariumError with data `{ error, args }`. */
export async function named<T>(codes: ErrorCodes, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const reason = error instanceof JsonRpcError ? revertReason(error) : undefined;
    throw reason ? rejected(codes, reason, error) : error;
  }
}

/** The error for what a contract reverted with. */
export function rejected(codes: ErrorCodes, reason: ErrorData, cause?: unknown): NotariumError {
  const name = String(reason.error);
  const code = Object.hasOwn(codes, name) ? codes[name]! : 'chain-call-rejected';
  return new NotariumError(code, name, { data: reason, cause });
}
