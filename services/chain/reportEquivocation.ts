import { Interface } from 'ethers';
import type { NodeRegistryInterface } from '../../types/ethers-contracts/NodeRegistry.ts';
import type { Address, Hex } from '../core/bytes.ts';
import { checkEquivocation, type SignedHeader } from '../core/equivocation.ts';
import { type ErrorData, isNotariumError, NotariumError } from '../core/errors.ts';
import { systemClock } from '../lib/clock.ts';
import { type JsonRpc, JsonRpcError } from '../lib/jsonRpc.ts';
import type { Logger } from '../lib/logger.ts';
import type { AccountSender, Call } from './AccountSender.ts';
import nodeRegistryAbi from './abi/NodeRegistry.json' with { type: 'json' };
import type { ChainInfo, ReportOutcome, SentTransaction } from './Chain.ts';
import { revertReason } from './chainError.ts';
import { transactionStatus } from './transactionStatus.ts';

/** What reporting needs of a chain. */
export type ReportSource = {
  readonly rpc: JsonRpc;
  readonly info: ChainInfo;
  readonly account: AccountSender;
  readonly logger: Logger;
  /** A transaction that waits longer is sent again for more. */
  readonly replaceAfterMs: number;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
};

type Report = {
  readonly culprit: Address;
  readonly call: Call;
  /** The first, then what was sent in its place; at most one of them is ever mined. */
  readonly transactions: SentTransaction[];
  sentMs: number;
};

type Fate = 'succeeded' | 'failed' | 'pending' | 'missing';

const registryInterface = new Interface(nodeRegistryAbi) as unknown as NodeRegistryInterface;
const pollMs = 250;
const attempts = 5;
/** `suspended` and `removed` in the contract's enum. */
const outOfCommittee: readonly unknown[] = [3, 4];

/** Reports equivocation by the account that also anchors, without ever holding up an anchor while it waits. */
export class EquivocationReporter {
  readonly #source: ReportSource;
  /** One a culprit: told twice, or again after the RPC went away, it is not sent twice. */
  readonly #waiting = new Map<Address, Report>();

  constructor(source: ReportSource) {
    this.#source = source;
  }

  /** See Chain.reportEquivocation. */
  async report(first: SignedHeader, second: SignedHeader, signal = this.#source.signal): Promise<ReportOutcome> {
    const { info, account } = this.#source;
    const culprit = checkEquivocation(info.network, first, second);
    const args = [first.header, first.signature, second.header, second.signature] as const;
    const data = registryInterface.encodeFunctionData('reportEquivocation', [...args]) as Hex;
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const report = await account.inTurn(() => this.#send(culprit, data));
      if (report === undefined) return 'already';
      const fate = await this.#end(report, AbortSignal.any([signal, this.#source.signal]));
      if (this.#waiting.get(culprit) === report) this.#waiting.delete(culprit);
      if (fate === 'succeeded') return 'reported';
      // Most likely somebody else was first; the next estimate says so.
    }
    throw new NotariumError('chain-answer-invalid', `the report was sent ${attempts} times and is not there`, {
      data: { culprit },
    });
  }

  // Undefined when there is nothing to report any more.
  async #send(culprit: Address, data: Hex): Promise<Report | undefined> {
    const { rpc, info, account, logger } = this.#source;
    const waiting = this.#waiting.get(culprit);
    if (waiting) return waiting;
    let estimate: bigint;
    try {
      const call = { from: account.address, to: info.registry, data };
      // Not the pending state, where a report of somebody else may stand that is never mined.
      estimate = BigInt(String(await rpc('eth_estimateGas', [call, 'latest'])));
    } catch (error) {
      const reason = error instanceof JsonRpcError ? revertReason(error) : undefined;
      if (!reason) throw error;
      if (isDealtWith(reason)) return undefined;
      throw new NotariumError('chain-report-rejected', String(reason.error), { data: reason, cause: error });
    }
    const call: Call = { to: info.registry, data, gasLimit: (estimate * 5n) / 4n };
    const transaction = await account.next(call);
    const report: Report = { culprit, call, transactions: [transaction], sentMs: Date.now() };
    this.#waiting.set(culprit, report);
    logger.warn({ culprit, transaction: transaction.hash, nonce: transaction.nonce }, 'equivocation: report sent');
    return report;
  }

  async #end(report: Report, signal: AbortSignal): Promise<Exclude<Fate, 'pending'>> {
    const { account, replaceAfterMs } = this.#source;
    for (;;) {
      signal.throwIfAborted();
      const fate = await this.#fate(report);
      if (fate === 'succeeded' || fate === 'failed') return fate;
      if (Date.now() - report.sentMs >= replaceAfterMs) {
        const now = await account.inTurn(() => this.#raise(report));
        if (now !== 'pending') return now;
      }
      await systemClock.sleep(pollMs, signal);
    }
  }

  // Anchors wait behind its nonce, so a report must not stay stuck. One that the node has lost is left alone: an anchor
  // may have its nonce by now. Run in turn, where nobody takes a nonce meanwhile.
  async #raise(report: Report): Promise<Fate> {
    const { account, logger } = this.#source;
    const fate = await this.#fate(report);
    if (fate !== 'pending') return fate;
    report.sentMs = Date.now();
    try {
      const transaction = await account.replace(report.transactions.at(-1)!, report.call);
      if (transaction) report.transactions.push(transaction);
      logger.warn({ culprit: report.culprit, transaction: transaction?.hash }, 'equivocation: report replaced');
    } catch (error) {
      // It may be mined for what it offers; nothing is gained by giving up.
      if (!isNotariumError(error, 'chain-fees-too-high')) throw error;
      logger.warn({ err: error, culprit: report.culprit }, 'equivocation: report waits, gas costs too much');
    }
    return 'pending';
  }

  async #fate({ transactions }: Report): Promise<Fate> {
    let fate: Fate = 'missing';
    for (const { hash } of transactions) {
      const status = await transactionStatus(this.#source.rpc, hash);
      if (status.status === 'mined') return status.succeeded ? 'succeeded' : 'failed';
      if (status.status === 'pending') fate = 'pending';
    }
    return fate;
  }
}

// Suspended or removed; or suspended for it once, and taken back by the governor since.
function isDealtWith({ error, args }: ErrorData): boolean {
  if (error === 'EvidenceStale') return true;
  return error === 'TransitionRefused' && outOfCommittee.includes((args as { have: unknown }).have);
}
