import type { JsonRpcError } from './jsonRpc.ts';

// What geth and those that follow it answer for a call that reverted.
const revertedCode = 3;

/** What a contract gave with its revert, four bytes or more; undefined when the error holds none. */
export function revertData(error: JsonRpcError): string | undefined {
  return dataIn(error.data, 4);
}

/** Whether the call itself reverted, and not only the node could not make it. Each node says so in a way of its own. */
export function isRevert(error: JsonRpcError): boolean {
  const { code, message, data } = error;
  const words = typeof data === 'string' ? `${message} ${data}` : message;
  return code === revertedCode || revertData(error) !== undefined || /revert/i.test(words);
}

// Nodes put the revert data into `data`, or one or more objects deeper.
function dataIn(value: unknown, depth: number): string | undefined {
  if (typeof value === 'string') return /^0x(?:[0-9a-fA-F]{2}){4,}$/.test(value) ? value : undefined;
  if (typeof value !== 'object' || value === null || depth === 0) return undefined;
  const { data, result, originalError } = value as { data?: unknown; result?: unknown; originalError?: unknown };
  return dataIn(data, depth - 1) ?? dataIn(result, depth - 1) ?? dataIn(originalError, depth - 1);
}
