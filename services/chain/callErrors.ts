import { type ErrorCode, type ErrorData, NotariumError } from '../core/errors.ts';
import { JsonRpcError } from '../lib/jsonRpc.ts';
import { revertReason } from './chainError.ts';

/** A code whose data are made of the arguments of the custom error. */
export type CodeWithData = { readonly code: ErrorCode; readonly data: (args: ErrorData) => ErrorData };

/**
 * Which code stands for which custom error of the contracts, in one call; any other is `chain-call-rejected`. The data are
 * `{ error, args }` unless the code says otherwise.
 */
export type ErrorCodes = Readonly<Record<string, ErrorCode | CodeWithData>>;

/** Runs a call; a revert comes out as a NotariumError by the codes. */
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
  const found = Object.hasOwn(codes, name) ? codes[name]! : 'chain-call-rejected';
  const { code, data } =
    typeof found === 'string'
      ? { code: found, data: reason }
      : { ...found, data: found.data(reason.args as ErrorData) };
  return new NotariumError(code, name, { data, cause });
}
