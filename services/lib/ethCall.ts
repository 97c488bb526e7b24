import { type Address, type Hash, type Hex, hexDigits, isHex } from '../core/bytes.ts';
import { uintWord } from '../core/eip712.ts';
import { NotariumError } from '../core/errors.ts';
import { invalidAnswer } from './invalidAnswer.ts';
import { type JsonRpc, JsonRpcError, type JsonRpcOptions, jsonRpc } from './jsonRpc.ts';
import { isRevert } from './revertData.ts';

// First four bytes of keccak256('blockHash(uint64)').
const blockHashSelector = '0xc57ffb2d';

/**
 * The block hash that a chain stores for a height, asked with one `eth_call` and nothing but `fetch`: all that a
 * verifier needs of a chain. Runs in browsers.
 * @param query.chainId When given, the RPC must say that it is this chain.
 * @returns Undefined when no block is anchored at that height.
 * @throws NotariumError `chain-unreachable`, `chain-answer-invalid`, `chain-mismatch`, `chain-contract-missing`.
 */
export async function chainBlockHash(
  query: { rpcUrl: string; contract: Address; height: number; chainId?: number } & JsonRpcOptions,
): Promise<Hash | undefined> {
  const { rpcUrl, contract, height, chainId, ...options } = query;
  const data: Hex = `${blockHashSelector}${hexDigits(uintWord(height))}`;
  const answer = await viewWord(jsonRpc(rpcUrl, options), {
    contract,
    data,
    ...(chainId === undefined ? {} : { chainId }),
  });
  return /^0x0*$/.test(answer) ? undefined : answer;
}

/**
 * The one word that a view of a contract answers, by one `eth_call`.
 * @param call.chainId When given, the RPC must say that it is this chain.
 * @throws NotariumError `chain-unreachable`, `chain-answer-invalid`, `chain-mismatch`, `chain-contract-missing`.
 */
export async function viewWord(
  rpc: JsonRpc,
  { contract, data, chainId }: { readonly contract: Address; readonly data: Hex; readonly chainId?: number },
): Promise<Hash> {
  try {
    if (chainId !== undefined) checkChainId(await rpc('eth_chainId', []), chainId);
    const answer = await rpc('eth_call', [{ to: contract, data }, 'latest']).catch((cause: unknown) => {
      // There is a contract, but none that knows this view. Any other error is about the node, not about the contract.
      if (cause instanceof JsonRpcError && isRevert(cause)) throw contractMissing(contract, cause.message, cause);
      throw cause;
    });
    return wordIn(answer, contract);
  } catch (cause) {
    throw cause instanceof JsonRpcError ? invalidAnswer(cause) : cause;
  }
}

function wordIn(answer: unknown, contract: Address): Hash {
  if (typeof answer !== 'string' || !/^0x(?:[0-9a-f]{2})*$/.test(answer)) throw invalidAnswer('eth_call gave no bytes');
  // An address without code answers every call, with nothing.
  if (!isHex(answer, 32)) throw contractMissing(contract, contract);
  return answer;
}

function contractMissing(contract: Address, detail: string, cause?: unknown): NotariumError {
  return new NotariumError('chain-contract-missing', detail, { data: { contract }, cause });
}

/** @throws NotariumError `chain-mismatch`, `chain-answer-invalid`. */
export function checkChainId(answer: unknown, want: number): void {
  if (typeof answer !== 'string' || !/^0x[0-9a-f]+$/i.test(answer)) throw invalidAnswer('eth_chainId gave no number');
  const have = Number(answer);
  if (have !== want) throw new NotariumError('chain-mismatch', undefined, { data: { have, want } });
}
