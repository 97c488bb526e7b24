import type { ErrorCodes } from '../callErrors.ts';

const state = 'channel-state';
const invalid = 'channel-invalid';

/** The codes of what `EvidenceChannels` refuses; anything else is `chain-call-rejected`. */
export const channelCodes = {
  AccountInvalid: invalid,
  AmountInvalid: invalid,
  ChallengePeriodInvalid: invalid,
  ReceivedMismatch: invalid,
  TransferFailed: invalid,
  ChallengeOver: state,
  ChannelExists: state,
  ChannelStatusMismatch: state,
  CreditEmpty: state,
  DigestWritten: state,
  EvidenceEmpty: state,
  HeldMismatch: state,
  LocksMismatch: state,
  SettlementEarly: state,
  StateMismatch: state,
  VersionInvalid: state,
} as const satisfies ErrorCodes;
