import type { Signer } from '../core/signature.ts';
import type { JsonRpc } from '../lib/jsonRpc.ts';
import type { Logger } from '../lib/logger.ts';
import { AccountSender } from './AccountSender.ts';
import { CallSender } from './CallSender.ts';

/** What sends for one account: all take their nonces from `account`. */
export type CallSenders = { readonly account: AccountSender; readonly calls: CallSender };

/** How transactions are paid and waited for. */
export type SendingOptions = {
  /** Most that gas may cost, in wei; 500 gwei by default. */
  readonly maxFeePerGasWei?: bigint;
  /** A call (no anchor) that waits longer for a block is sent again for more; 15 seconds by default. */
  readonly replaceCallAfterMs?: number;
  readonly logger: Logger;
};

/** See {@link SendingOptions.maxFeePerGasWei}. */
export const defaultMaxFeePerGasWei = 500_000_000_000n;
const defaultReplaceCallAfterMs = 15_000;

/** @param options.signal Ends the waiting. */
export function callSendersOf(
  rpc: JsonRpc,
  chainId: number,
  signer: Signer,
  options: SendingOptions & { readonly signal: AbortSignal },
): CallSenders {
  const { maxFeePerGasWei = defaultMaxFeePerGasWei, logger, signal } = options;
  const { replaceCallAfterMs: replaceAfterMs = defaultReplaceCallAfterMs } = options;
  const account = new AccountSender({ rpc, chainId, signer, maxFeePerGasWei, logger });
  return { account, calls: new CallSender({ rpc, account, logger, replaceAfterMs, signal }) };
}
