import type { Hex } from '../core/bytes.ts';
import { checkEquivocation, type SignedHeader } from '../core/equivocation.ts';
import { type ErrorData, NotariumError } from '../core/errors.ts';
import { type JsonRpc, JsonRpcError } from '../lib/jsonRpc.ts';
import type { AccountSender, Call } from './AccountSender.ts';
import type { CallSender } from './CallSender.ts';
import type { ChainInfo, ReportOutcome } from './Chain.ts';
import { revertReason } from './chainError.ts';
import { registryInterface } from './interfaces.ts';

/** What reporting needs of a chain. */
export type ReportSource = {
  readonly rpc: JsonRpc;
  readonly info: ChainInfo;
  readonly account: AccountSender;
  readonly calls: CallSender;
};

const attempts = 5;
/** `suspended` and `removed` in the contract's enum. */
const outOfCommittee: readonly unknown[] = [3, 4];

/** See Chain.reportEquivocation. */
export async function reportEquivocation(
  source: ReportSource,
  first: SignedHeader,
  second: SignedHeader,
  signal?: AbortSignal,
): Promise<ReportOutcome> {
  const culprit = checkEquivocation(source.info.network, first, second);
  const args = [first.header, first.signature, second.header, second.signature] as const;
  const data = registryInterface.encodeFunctionData('reportEquivocation', [...args]) as Hex;
  const call = {
    key: `equivocation ${culprit}`,
    name: `report of equivocation by ${culprit}`,
    prepare: () => prepared(source, data),
  };
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const end = await source.calls.run(call, signal ? { signal } : {});
    if (end === undefined) return 'already';
    if (end.status === 'mined' && end.succeeded) return 'reported';
    // Most likely somebody else was first; the next estimate says so.
  }
  throw new NotariumError('chain-answer-invalid', `the report was sent ${attempts} times and is not there`, {
    data: { culprit },
  });
}

// Undefined when there is nothing to report any more.
async function prepared({ rpc, info, account }: ReportSource, data: Hex): Promise<Call | undefined> {
  try {
    const call = { from: account.address, to: info.registry, data };
    // Not the pending state, where a report of somebody else may stand that is never mined.
    const estimate = BigInt(String(await rpc('eth_estimateGas', [call, 'latest'])));
    return { to: info.registry, data, gasLimit: (estimate * 5n) / 4n };
  } catch (error) {
    const reason = error instanceof JsonRpcError ? revertReason(error) : undefined;
    if (!reason) throw error;
    if (isDealtWith(reason)) return undefined;
    throw new NotariumError('chain-report-rejected', String(reason.error), { data: reason, cause: error });
  }
}

// Suspended or removed; or suspended for it once, and taken back by the governor since.
function isDealtWith({ error, args }: ErrorData): boolean {
  if (error === 'EvidenceStale') return true;
  return error === 'TransitionRefused' && outOfCommittee.includes((args as { have: unknown }).have);
}
