import { expect } from 'chai';
import { type ErrorCode, NotariumError } from '../../services/core/errors.ts';

/** The NotariumError of the code that the call must throw. */
export async function expectCode(code: ErrorCode, call: (() => unknown) | Promise<unknown>): Promise<NotariumError> {
  let error: unknown;
  try {
    await (typeof call === 'function' ? call() : call);
  } catch (thrown) {
    error = thrown;
  }
  if (!(error instanceof NotariumError)) {
    throw new Error(`expected ${code}, got ${error === undefined ? 'no error' : String(error)}`, { cause: error });
  }
  expect(error.code, error.message).to.equal(code);
  return error;
}
