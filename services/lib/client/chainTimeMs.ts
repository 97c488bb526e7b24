import { NotariumError } from '../../core/errors.ts';
import { JsonRpcError, type JsonRpcOptions, jsonRpc } from '../jsonRpc.ts';

/**
 * Time of the chain's newest block, in Unix milliseconds.
 * @throws NotariumError `chain-unreachable`.
 */
export async function chainTimeMs(rpcUrl: string, options: JsonRpcOptions = {}): Promise<number> {
  try {
    const block = (await jsonRpc(rpcUrl, options)('eth_getBlockByNumber', ['latest', false])) as {
      timestamp?: unknown;
    } | null;
    const timestamp = Number(block?.timestamp);
    if (Number.isSafeInteger(timestamp)) return timestamp * 1000;
    throw new NotariumError('chain-unreachable', 'the newest block has no time');
  } catch (cause) {
    if (!(cause instanceof JsonRpcError)) throw cause;
    throw new NotariumError('chain-unreachable', cause.message, { cause });
  }
}
