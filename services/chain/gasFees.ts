import { toQuantity } from 'ethers';
import type { Hex } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
import { type JsonRpc, JsonRpcError } from '../lib/jsonRpc.ts';
import type { GasFees } from './Chain.ts';

const oneGwei = 1_000_000_000n;

/**
 * What a transaction should offer now: EIP-1559 with room for the base fee to double, or the node's gas price where
 * blocks have no base fee.
 * @param maxFeePerGasWei Never more than this.
 * @throws NotariumError `chain-fees-too-high` when the chain asks for more.
 */
export async function currentFees(rpc: JsonRpc, maxFeePerGasWei: bigint): Promise<GasFees> {
  const block = (await rpc('eth_getBlockByNumber', ['latest', false])) as { baseFeePerGas?: string } | null;
  if (block?.baseFeePerGas === undefined) {
    const gasPriceWei = BigInt(String(await rpc('eth_gasPrice', [])));
    return { type: 0, gasPriceWei: within(gasPriceWei, gasPriceWei, maxFeePerGasWei) };
  }
  const baseFee = BigInt(block.baseFeePerGas);
  const tip = await priorityFee(rpc, baseFee);
  const maxFee = within(2n * baseFee + tip, baseFee + tip, maxFeePerGasWei);
  return { type: 2, maxFeePerGasWei: maxFee, maxPriorityFeePerGasWei: tip < maxFee ? tip : maxFee };
}

/**
 * Fees with which a node takes one transaction for another: each an eighth higher (nodes ask for a tenth), or what
 * the chain asks now where that is more.
 * @throws NotariumError `chain-fees-too-high` when that is more than the limit.
 */
export function raisedFees(stuck: GasFees, now: GasFees, maxFeePerGasWei: bigint): GasFees {
  if (stuck.type === 0) {
    const least = raised(stuck.gasPriceWei);
    const wanted = now.type === 0 ? now.gasPriceWei : now.maxFeePerGasWei;
    return { type: 0, gasPriceWei: within(greater(least, wanted), least, maxFeePerGasWei) };
  }
  const nowMax = now.type === 2 ? now.maxFeePerGasWei : now.gasPriceWei;
  const nowTip = now.type === 2 ? now.maxPriorityFeePerGasWei : now.gasPriceWei;
  const least = raised(stuck.maxFeePerGasWei);
  const maxFee = within(greater(least, nowMax), least, maxFeePerGasWei);
  const tip = greater(raised(stuck.maxPriorityFeePerGasWei), nowTip);
  return { type: 2, maxFeePerGasWei: maxFee, maxPriorityFeePerGasWei: tip < maxFee ? tip : maxFee };
}

/** The fees as fields of a transaction. */
export function feeFields(fees: GasFees): Record<string, number | Hex> {
  if (fees.type === 0) return { type: 0, gasPrice: toQuantity(fees.gasPriceWei) as Hex };
  return {
    type: 2,
    maxFeePerGas: toQuantity(fees.maxFeePerGasWei) as Hex,
    maxPriorityFeePerGas: toQuantity(fees.maxPriorityFeePerGasWei) as Hex,
  };
}

async function priorityFee(rpc: JsonRpc, baseFee: bigint): Promise<bigint> {
  try {
    return BigInt(String(await rpc('eth_maxPriorityFeePerGas', [])));
  } catch (error) {
    // Not every node knows the method; a chain without any base fee wants no tip either.
    if (!(error instanceof JsonRpcError)) throw error;
    return baseFee === 0n ? 0n : oneGwei;
  }
}

function raised(fee: bigint): bigint {
  return (fee * 1125n + 999n) / 1000n + (fee === 0n ? 1n : 0n);
}

/** The greater of the two. */
export function greater(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function within(wanted: bigint, least: bigint, limit: bigint): bigint {
  if (least > limit) {
    throw new NotariumError('chain-fees-too-high', undefined, {
      data: { have: least.toString(), want: limit.toString(), unit: 'wei' },
    });
  }
  return wanted < limit ? wanted : limit;
}
