import { NotariumError } from '../core/errors.ts';
import type { JsonRpcError } from './jsonRpc.ts';

/**
 * What the RPC refused in words of its own, or answered although it cannot be true. Asking again may help: a limit of the
 * moment, a node that is behind, or a reorganisation may be why.
 */
export function invalidAnswer(what: JsonRpcError | string): NotariumError {
  if (typeof what === 'string') return new NotariumError('chain-answer-invalid', what);
  const { code, message } = what;
  return new NotariumError('chain-answer-invalid', message, {
    data: { rpcCode: code, rpcMessage: message },
    cause: what,
  });
}
