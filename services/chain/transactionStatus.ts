import { toQuantity } from 'ethers';
import type { Hash } from '../core/bytes.ts';
import type { ErrorData } from '../core/errors.ts';
import { type JsonRpc, JsonRpcError } from '../lib/jsonRpc.ts';
import type { TransactionStatus } from './Chain.ts';
import { revertReason } from './chainError.ts';

type RawReceipt = { status: string; blockNumber: string; gasUsed: string };
type RawTransaction = { from: string; to: string | null; input: string; gas: string };

/** See Chain.transactionStatus. */
export async function transactionStatus(rpc: JsonRpc, hash: Hash): Promise<TransactionStatus> {
  const receipt = (await rpc('eth_getTransactionReceipt', [hash])) as RawReceipt | null;
  const transaction = (await rpc('eth_getTransactionByHash', [hash])) as RawTransaction | null;
  if (!receipt) return { status: transaction ? 'pending' : 'missing' };
  const blockNumber = Number(receipt.blockNumber);
  const newest = Number(await rpc('eth_blockNumber', []));
  const succeeded = receipt.status === '0x1';
  const reason = succeeded || !transaction ? undefined : await replayed(rpc, transaction, blockNumber);
  return {
    status: 'mined',
    succeeded,
    blockNumber,
    confirmations: Math.max(1, newest - blockNumber + 1),
    gasUsed: BigInt(receipt.gasUsed),
    ...(reason ? { reason } : {}),
  };
}

// A receipt does not hold the reason. The same call on the same block gives it again, unless it was lack of gas.
async function replayed(
  rpc: JsonRpc,
  transaction: RawTransaction,
  blockNumber: number,
): Promise<ErrorData | undefined> {
  const { from, to, input, gas } = transaction;
  try {
    await rpc('eth_call', [{ from, to, data: input, gas }, toQuantity(blockNumber)]);
    return undefined;
  } catch (error) {
    if (error instanceof JsonRpcError) return revertReason(error);
    throw error;
  }
}
