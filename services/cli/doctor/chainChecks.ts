import type { Address } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import { chainBlockHash } from '../../lib/ethCall.ts';
import { type JsonRpc, JsonRpcError, jsonRpc } from '../../lib/jsonRpc.ts';
import { type Check, found, ok, skipped } from './Check.ts';

/** The chain, the contract on it, and this machine's clock against the chain's. */
export async function checkChain(
  rpcUrl: string | undefined,
  contract: Address | undefined,
  signal: AbortSignal,
): Promise<Check[]> {
  if (rpcUrl === undefined) return [skipped('chain', 'no --rpc given')];
  const rpc = jsonRpc(rpcUrl, { signal });
  const host = new URL(rpcUrl).host;
  try {
    const chainId = Number(await rpc('eth_chainId', []));
    const height = Number(await rpc('eth_blockNumber', []));
    return [
      ok('chain', `${host}: chain ${chainId}, block ${height}`, { chainId, height }),
      await checkContract(rpcUrl, contract, signal),
      await checkClock(rpc),
    ];
  } catch (error) {
    if (!(error instanceof NotariumError) && !(error instanceof JsonRpcError)) throw error;
    return [
      found(
        'fail',
        'chain',
        `${host}: ${error.message}`,
        'Check --rpc, and that the chain runs and answers from here.',
      ),
    ];
  }
}

async function checkContract(rpcUrl: string, contract: Address | undefined, signal: AbortSignal): Promise<Check> {
  if (contract === undefined) return skipped('contract', 'no --contract given');
  try {
    const first = await chainBlockHash({ rpcUrl, contract, height: 1, signal });
    return ok('contract', `${contract} ${first === undefined ? 'has no block yet' : 'holds blocks'}`);
  } catch (error) {
    if (!(error instanceof NotariumError)) throw error;
    return found('fail', 'contract', error.message, 'Check --contract, or deploy the contracts (docs/operations.md).');
  }
}

async function checkClock(rpc: JsonRpc): Promise<Check> {
  // The pending block's time is the chain's now; the newest block of a quiet chain may be hours old.
  const pending = (await rpc('eth_getBlockByNumber', ['pending', false])) as { timestamp?: unknown } | null;
  const seconds = Number(pending?.timestamp);
  if (!Number.isSafeInteger(seconds)) return skipped('clock', 'the chain tells no pending time');
  const aheadSeconds = Math.round(Date.now() / 1000 - seconds);
  const detail = `this machine is ${Math.abs(aheadSeconds)} s ${aheadSeconds < 0 ? 'behind' : 'ahead of'} the chain`;
  return Math.abs(aheadSeconds) > 30
    ? found('warn', 'clock', detail, 'Set the clock by NTP; a slot must be the same here and on the chain.', {
        aheadSeconds,
      })
    : ok('clock', detail, { aheadSeconds });
}
