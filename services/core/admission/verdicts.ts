import type { ErrorCode } from '../errors.ts';

/** What a session with an authenticator ends with that is the challenged node's own doing. */
export const verdictCodes = [
  'manifest-unproven',
  'answer-late',
  'answer-incomplete',
  'answer-wrong',
  'candidate-too-slow',
  'profile-contradicts',
] as const satisfies readonly ErrorCode[];
