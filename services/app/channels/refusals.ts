import { type ErrorCode, errorTable, isNotariumError, NotariumError } from '../../core/errors.ts';

/** Whether the verifier has said no, and would say it again. */
export function isRefusal(error: unknown): error is NotariumError {
  return isNotariumError(error) && !errorTable[error.code].retry && errorTable[error.code].status < 500;
}

/** What an answer says instead of a bill. */
export function problemError({ code, detail }: { readonly code: string; readonly detail: string }): NotariumError {
  return new NotariumError(code in errorTable ? (code as ErrorCode) : 'server-answer-invalid', detail);
}
