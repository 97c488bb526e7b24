import { invalidAnswer } from '../invalidAnswer.ts';
import { JsonRpcError, type JsonRpcOptions, jsonRpc } from '../jsonRpc.ts';

/**
 * Time of the chain's newest block, in Unix milliseconds.
 * @throws NotariumError `chain-unreachable`, `chain-answer-invalid`.
 */
export async function chainTimeMs(rpcUrl: string, options: JsonRpcOptions = {}): Promise<number> {
  try {
    const block = (await jsonRpc(rpcUrl, options)('eth_getBlockByNumber', ['latest', false])) as {
      timestamp?: unknown;
    } | null;
    const timestamp = Number(block?.timestamp);
    if (Number.isSafeInteger(timestamp)) return timestamp * 1000;
    throw invalidAnswer('the newest block has no time');
  } catch (cause) {
    throw cause instanceof JsonRpcError ? invalidAnswer(cause) : cause;
  }
}
