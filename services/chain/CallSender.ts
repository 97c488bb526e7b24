import type { Hash } from '../core/bytes.ts';
import { type ErrorData, isNotariumError } from '../core/errors.ts';
import { systemClock } from '../lib/clock.ts';
import type { JsonRpc } from '../lib/jsonRpc.ts';
import type { Logger } from '../lib/logger.ts';
import type { AccountSender, Call } from './AccountSender.ts';
import type { SendOptions, SentTransaction } from './Chain.ts';
import { transactionStatus } from './transactionStatus.ts';

/** What waiting for calls needs of a chain. */
export type CallSource = {
  readonly rpc: JsonRpc;
  readonly account: AccountSender;
  readonly logger: Logger;
  /** A transaction that waits longer is sent again for more. */
  readonly replaceAfterMs: number;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
};

/** How a call ended; `missing`: the node has lost it, or its nonce was used by another. */
export type CallEnd =
  | { readonly status: 'missing' }
  | {
      readonly status: 'mined';
      readonly transactionHash: Hash;
      readonly succeeded: boolean;
      readonly blockNumber: number;
      readonly gasUsed: bigint;
      readonly reason?: ErrorData;
    };

/** A call and what it is called in the log. */
export type NamedCall = {
  /** What is asked for: the same one is not sent again while it waits. */
  readonly key: string;
  readonly name: string;
  /** Run in turn, when the call is to be sent; undefined when it need not be any more. What it throws is thrown. */
  readonly prepare: () => Promise<Call | undefined>;
};

type Waiting = {
  readonly name: string;
  readonly call: Call;
  /** The first, then what was sent in its place; at most one of them is ever mined. */
  readonly transactions: SentTransaction[];
  sentMs: number;
};

type Fate = CallEnd | { readonly status: 'pending' };

const pollMs = 250;

/** Sends calls of an account that also anchors and waits until they are mined, without ever holding up an anchor while it waits. */
export class CallSender {
  readonly #source: CallSource;
  /** One a key: told twice, or again after the RPC went away, it is not sent twice. */
  readonly #waiting = new Map<string, Waiting>();

  constructor(source: CallSource) {
    this.#source = source;
  }

  /**
   * Sends a call and waits for its end; undefined when there was nothing to send.
   * @param options.signal Ends the waiting, not the transaction; calling again with the same key goes on.
   */
  async run(named: NamedCall, options: SendOptions & { signal?: AbortSignal } = {}): Promise<CallEnd | undefined> {
    const { account, signal } = this.#source;
    const waiting = await account.inTurn(() => this.#send(named, options));
    if (waiting === undefined) return undefined;
    const end = await this.#end(waiting, options.signal ? AbortSignal.any([options.signal, signal]) : signal, options);
    if (this.#waiting.get(named.key) === waiting) this.#waiting.delete(named.key);
    return end;
  }

  async #send({ key, name, prepare }: NamedCall, options: SendOptions): Promise<Waiting | undefined> {
    const known = this.#waiting.get(key);
    if (known) return known;
    const call = await prepare();
    if (call === undefined) return undefined;
    const { account, logger } = this.#source;
    const transaction = await account.next(call, options);
    const waiting: Waiting = { name, call, transactions: [transaction], sentMs: Date.now() };
    this.#waiting.set(key, waiting);
    logger.info({ transaction: transaction.hash, nonce: transaction.nonce }, `${name} sent`);
    return waiting;
  }

  async #end(waiting: Waiting, signal: AbortSignal, options: SendOptions): Promise<CallEnd> {
    const { account, replaceAfterMs } = this.#source;
    for (;;) {
      signal.throwIfAborted();
      const fate = await this.#fate(waiting);
      if (fate.status === 'mined') return fate;
      if (Date.now() - waiting.sentMs >= replaceAfterMs) {
        const now = await account.inTurn(() => this.#raise(waiting, options));
        if (now.status !== 'pending') return now;
      }
      await systemClock.sleep(pollMs, signal);
    }
  }

  // Anchors wait behind its nonce, so it must not stay stuck. One that the node has lost is left alone: an anchor may have its
  // nonce by now. Run in turn, where nobody takes a nonce meanwhile.
  async #raise(waiting: Waiting, options: SendOptions): Promise<Fate> {
    const { account, logger } = this.#source;
    const fate = await this.#fate(waiting);
    // Several may wait for one call, and the first has raised it.
    if (fate.status !== 'pending' || Date.now() - waiting.sentMs < this.#source.replaceAfterMs) return fate;
    waiting.sentMs = Date.now();
    try {
      const transaction = await account.replace(waiting.transactions.at(-1)!, waiting.call, options);
      if (transaction) waiting.transactions.push(transaction);
      logger.warn({ transaction: transaction?.hash }, `${waiting.name} replaced`);
    } catch (error) {
      // It may be mined for what it offers; nothing is gained by giving up.
      if (!isNotariumError(error, 'chain-fees-too-high')) throw error;
      logger.warn({ err: error }, `${waiting.name} waits, gas costs too much`);
    }
    return { status: 'pending' };
  }

  async #fate({ transactions }: Waiting): Promise<Fate> {
    let fate: Fate = { status: 'missing' };
    for (const { hash } of transactions) {
      const status = await transactionStatus(this.#source.rpc, hash);
      if (status.status === 'mined') return { ...status, transactionHash: hash };
      if (status.status === 'pending') fate = { status: 'pending' };
    }
    return fate;
  }
}
