import { toQuantity } from 'ethers';
import type { Address, Hex } from '../core/bytes.ts';
import { isNotariumError, NotariumError } from '../core/errors.ts';
import { type JsonRpc, JsonRpcError } from '../lib/jsonRpc.ts';
import type { AccountSender, Call } from './AccountSender.ts';
import type { CallSender } from './CallSender.ts';
import { type ErrorCodes, named, rejected } from './callErrors.ts';
import { revertReason } from './chainError.ts';
import type { CallOptions, MinedCall } from './SentTransaction.ts';

/** What sending changes needs of a chain. */
export type ChangeSource = {
  readonly rpc: JsonRpc;
  /** @throws NotariumError `key-missing`. */
  readonly senders: () => { readonly account: AccountSender; readonly calls: CallSender };
};

/** A call that changes something. */
export type Change = {
  /** What is asked for, in one word for the log. */
  readonly name: string;
  readonly to: Address;
  /** Tells it from other calls of that name: told twice, it is not sent twice. */
  readonly key: string;
  /** Selector and arguments, made anew for each attempt. */
  readonly data: () => Promise<Hex> | Hex;
  readonly codes: ErrorCodes;
  /** Coins that go with it; none by default. */
  readonly valueWei?: bigint;
  /** How often it is sent at most where it comes to nothing although the estimate was good; 5 by default. */
  readonly attempts?: number;
  /** A call that needs more is not sent, as if the contract had refused it by `GasRefused`. */
  readonly maxGas?: bigint;
};

const usualAttempts = 5;
/** Custom errors that a later block may not give any more. */
const goneWithTime: ReadonlySet<unknown> = new Set([
  'GovernorUnexpectedProposalState',
  'ApplicationEarly',
  'SettlementEarly',
]);

/**
 * Sends a change and waits until it is mined.
 * @throws NotariumError by `change.codes`, else `chain-call-rejected` with data `{ error, args }`; `chain-answer-invalid` with
 *   data `{ reverted }` where it came to nothing, `reverted` of its transactions in a block.
 */
export async function sendCall(source: ChangeSource, change: Change, options: CallOptions = {}): Promise<MinedCall> {
  const { calls } = source.senders();
  const { name, to, key, codes, attempts = usualAttempts } = change;
  const call = { key: `${name} ${to} ${key}`, name, prepare: () => prepared(source, change) };
  let reverted = 0;
  for (let attempt = 1; attempt <= attempts; attempt++) {
    try {
      const end = await named(codes, () => calls.run(call, options));
      if (end?.status === 'mined' && end.succeeded) {
        const { transactionHash, blockNumber, gasUsed } = end;
        return { transactionHash, blockNumber, gasUsed };
      }
      // Something has changed since the estimate; the next one says what.
      if (end?.status === 'mined') reverted++;
    } catch (error) {
      if (!isEpochPassed(error) || attempt === attempts) throw error;
    }
  }
  const detail = `${name} was sent ${attempts} times and came to nothing`;
  throw new NotariumError('chain-answer-invalid', detail, { data: { reverted } });
}

// The committee changed between two questions: the next attempt asks for the new one.
function isEpochPassed(error: unknown): boolean {
  return isNotariumError(error, 'chain-call-rejected') && error.data?.error === 'EpochMismatch';
}

async function prepared(source: ChangeSource, { to, data, codes, maxGas, valueWei }: Change): Promise<Call> {
  const value = valueWei === undefined ? {} : { value: toQuantity(valueWei) as Hex };
  const call = { from: source.senders().account.address, to, data: await data(), ...value };
  const estimate = await named(codes, () => estimated(source, call));
  if (maxGas !== undefined && estimate > maxGas) {
    throw rejected(codes, { error: 'GasRefused', args: { have: Number(estimate), want: Number(maxGas) } });
  }
  const gasLimit = (estimate * 5n) / 4n;
  return { to, data: call.data, gasLimit, ...(valueWei === undefined ? {} : { valueWei }) };
}

// Not the pending state, where something may stand that is never mined. But where blocks come with transactions only, the
// time of the newest may be long past, and the pending one's is the chain's clock: votes start and end by it.
async function estimated(
  { rpc }: ChangeSource,
  call: { from: Address; to: Address; data: Hex; value?: Hex },
): Promise<bigint> {
  try {
    return BigInt(String(await rpc('eth_estimateGas', [call, 'latest'])));
  } catch (error) {
    const reason = error instanceof JsonRpcError ? revertReason(error) : undefined;
    if (!reason || !goneWithTime.has(reason.error)) throw error;
    return BigInt(String(await rpc('eth_estimateGas', [call, 'pending'])));
  }
}
