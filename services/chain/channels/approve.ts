import { Interface } from 'ethers';
import type { Address, Hex } from '../../core/bytes.ts';
import { NotariumError } from '../../core/errors.ts';
import type { CallOptions } from '../SentTransaction.ts';
import { sendCall } from '../sendCall.ts';
import type { ChannelSource } from './ChannelSource.ts';

const token = new Interface([
  'function allowance(address owner, address spender) view returns (uint256)',
  'function approve(address spender, uint256 amount) returns (bool)',
]);

/**
 * Lets the contract take an amount of a token from the account, where it may not already: exactly this amount, and after a zero
 * where the token has an allowance that is too small, since some tokens change one to another only by way of none.
 * @throws NotariumError `channel-invalid` where the token does not give the allowance.
 */
export async function approve(
  source: ChannelSource,
  address: Address,
  amount: bigint,
  options: CallOptions,
): Promise<void> {
  const { account } = source.senders();
  const spender = source.network.contract;
  const allowance = async (): Promise<bigint> => {
    const data = token.encodeFunctionData('allowance', [account.address, spender]);
    const answer = await source.rpc('eth_call', [{ to: address, data }, 'latest']);
    if (typeof answer !== 'string' || answer.length !== 66) throw refused(address);
    return BigInt(answer);
  };
  const set = (to: bigint): Promise<unknown> => {
    const data = token.encodeFunctionData('approve', [spender, to]) as Hex;
    const codes = {};
    return sendCall(source, { name: 'approval', to: address, key: data, data: () => data, codes }, options);
  };
  const have = await allowance();
  if (have >= amount) return;
  if (have > 0n) await set(0n);
  await set(amount);
  if ((await allowance()) < amount) throw refused(address);
}

function refused(address: Address): NotariumError {
  return new NotariumError('channel-invalid', `${address} gives no allowance`, { data: { token: address } });
}
