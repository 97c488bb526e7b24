import { type Address, type Hash, hexDigits, isHex } from '../core/bytes.ts';
import { uintWord } from '../core/eip712.ts';
import { NotariumError } from '../core/errors.ts';
import { JsonRpcError, type JsonRpcOptions, jsonRpc } from './jsonRpc.ts';

// First four bytes of keccak256('blockHash(uint64)').
const blockHashSelector = '0xc57ffb2d';

/**
 * The block hash that a chain stores for a height, asked with one `eth_call` and nothing but `fetch`: all that a
 * verifier needs of a chain. Runs in browsers.
 * @param query.chainId When given, the RPC must say that it is this chain.
 * @returns Undefined when no block is anchored at that height.
 * @throws NotariumError `chain-unreachable`, `chain-mismatch`, `chain-contract-missing`.
 */
export async function chainBlockHash(
  query: { rpcUrl: string; contract: Address; height: number; chainId?: number } & JsonRpcOptions,
): Promise<Hash | undefined> {
  const { rpcUrl, contract, height, chainId, ...options } = query;
  const rpc = jsonRpc(rpcUrl, options);
  try {
    if (chainId !== undefined) checkChainId(await rpc('eth_chainId', []), chainId);
    const data = `${blockHashSelector}${hexDigits(uintWord(height))}`;
    const answer = await rpc('eth_call', [{ to: contract, data }, 'latest']);
    // An address without code answers every call, with nothing.
    if (!isHex(answer, 32)) throw new NotariumError('chain-contract-missing', contract, { data: { contract } });
    return /^0x0*$/.test(answer) ? undefined : answer;
  } catch (cause) {
    if (!(cause instanceof JsonRpcError)) throw cause;
    // A reverting call: there is a contract, but none that knows blockHash.
    throw new NotariumError('chain-contract-missing', cause.message, { data: { contract }, cause });
  }
}

function checkChainId(answer: unknown, want: number): void {
  const have = Number(answer);
  if (have !== want) throw new NotariumError('chain-mismatch', undefined, { data: { have, want } });
}
