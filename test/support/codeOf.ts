import { NotariumError } from '../../services/core/errors.ts';

/** Code of the NotariumError that the call throws, `none` when it throws nothing; any other error goes through. */
export function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof NotariumError) return error.code;
    throw error;
  }
  return 'none';
}
