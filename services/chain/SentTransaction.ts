import type { Hash } from '../core/bytes.ts';

/** Price of gas in wei: EIP-1559, or the one price of an older chain. */
export type GasFees =
  | { readonly type: 2; readonly maxFeePerGasWei: bigint; readonly maxPriorityFeePerGasWei: bigint }
  | { readonly type: 0; readonly gasPriceWei: bigint };

/** A transaction as it was signed; enough to replace it. */
export type SentTransaction = {
  readonly hash: Hash;
  readonly nonce: number;
  readonly gasLimit: bigint;
  readonly fees: GasFees;
};

/** Options of one call that sends. */
export type SendOptions = {
  /** Awaited after signing and before the transaction leaves: save it here, so that a crash cannot forget it. */
  readonly onSigned?: (transaction: SentTransaction) => Promise<void>;
};

/** Options of a call that changes something; the signal ends the waiting, not the transaction. */
export type CallOptions = SendOptions & { readonly signal?: AbortSignal };

/** A mined transaction of ours. */
export type MinedCall = { readonly transactionHash: Hash; readonly blockNumber: number; readonly gasUsed: bigint };
