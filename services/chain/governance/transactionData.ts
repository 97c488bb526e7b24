import { toBeHex } from 'ethers';
import type { Address, Hash } from '../../core/bytes.ts';
import type { JsonRpc } from '../../lib/jsonRpc.ts';
import type { TransactionData } from '../Governance.ts';

type RawTransaction = {
  type?: string;
  nonce: string;
  from: Address;
  to: Address | null;
  value: string;
  gas: string;
  r: string;
  s: string;
  v: string;
};
type RawReceipt = {
  effectiveGasPrice: string;
  gasUsed: string;
  blockNumber: string;
  contractAddress: Address | null;
};

/** See Governance.transactionData. */
export async function transactionData(rpc: JsonRpc, hash: Hash): Promise<TransactionData | undefined> {
  const receipt = (await rpc('eth_getTransactionReceipt', [hash])) as RawReceipt | null;
  const transaction = (await rpc('eth_getTransactionByHash', [hash])) as RawTransaction | null;
  if (!receipt || !transaction) return undefined;
  const { type, nonce, from, to, value, gas, r, s, v } = transaction;
  return {
    hash,
    type: Number(type ?? 0),
    nonce: Number(nonce),
    from: lowerCase(from),
    amountWei: BigInt(value).toString(),
    // A deployment has no recipient; what it made stands for it.
    recipient: lowerCase(to ?? receipt.contractAddress!),
    gasPriceWei: BigInt(receipt.effectiveGasPrice).toString(),
    gasLimit: BigInt(gas).toString(),
    gasUsed: BigInt(receipt.gasUsed).toString(),
    blockNumber: Number(receipt.blockNumber),
    // As quantities they come without leading zeros.
    signature: { r: toBeHex(BigInt(r), 32) as Hash, s: toBeHex(BigInt(s), 32) as Hash, v: Number(v) },
  };
}

function lowerCase(address: string): Address {
  return address.toLowerCase() as Address;
}
