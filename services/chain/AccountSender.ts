import { Signature, Transaction, toQuantity } from 'ethers';
import { type Address, fromHex, type Hash, type Hex, toHex } from '../core/bytes.ts';
import { NotariumError } from '../core/errors.ts';
import type { Signer } from '../core/signature.ts';
import type { JsonRpc } from '../lib/jsonRpc.ts';
import type { Logger } from '../lib/logger.ts';
import type { SendOptions, SentTransaction } from './Chain.ts';
import { isAlreadyKnown, isNonceUsed, isUnderpricedReplacement } from './chainError.ts';
import { currentFees, feeFields, raisedFees } from './gasFees.ts';
import { transactionStatus } from './transactionStatus.ts';

/** What sending needs of a chain. */
export type SendSource = {
  readonly rpc: JsonRpc;
  readonly chainId: number;
  readonly signer: Signer;
  readonly maxFeePerGasWei: bigint;
  readonly logger: Logger;
};

/** A call that changes something. */
export type Call = {
  readonly to: Address;
  readonly data: Hex;
  readonly gasLimit: bigint;
  /** Coins that go with it; none by default. */
  readonly valueWei?: bigint;
};

const nonceAttempts = 5;

/** Sends all transactions of one account: the only place that takes nonces. Call {@link next} and {@link replace} in turn. */
export class AccountSender {
  readonly #source: SendSource;
  /** The one with the greatest nonce, while it waits. */
  #last: SentTransaction | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(source: SendSource) {
    this.#source = source;
  }

  get address(): Address {
    return this.#source.signer.address;
  }

  /** Runs one after another whatever sends: two at a time would take the same nonce. */
  inTurn<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(run);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  /** Sends with the next free nonce. */
  async next(call: Call, options: SendOptions = {}): Promise<SentTransaction> {
    const { rpc, signer, maxFeePerGasWei, logger } = this.#source;
    const fees = await currentFees(rpc, maxFeePerGasWei);
    const last = await this.#pendingLast();
    let least = last ? last.nonce + 1 : 0;
    for (let attempt = 1; attempt <= nonceAttempts; attempt++) {
      // Nodes differ in what they count as pending, so what this sender knows itself counts too.
      const nonce = Math.max(least, Number(await rpc('eth_getTransactionCount', [signer.address, 'pending'])));
      const transaction = await this.#send(call, { nonce, fees }, options);
      if (transaction) return transaction;
      logger.warn({ nonce, attempt }, 'a nonce was used by somebody else who has the key');
      least = nonce + 1;
    }
    throw new NotariumError('chain-answer-invalid', 'no free nonce', { data: { account: signer.address } });
  }

  /** Sends in the place of a stuck transaction, for more; undefined when the stuck one's nonce has been used after all. */
  async replace(stuck: SentTransaction, call: Call, options: SendOptions = {}): Promise<SentTransaction | undefined> {
    const { rpc, maxFeePerGasWei } = this.#source;
    const fees = raisedFees(stuck.fees, await currentFees(rpc, maxFeePerGasWei), maxFeePerGasWei);
    return this.#send(call, { nonce: stuck.nonce, fees }, options);
  }

  async #pendingLast(): Promise<SentTransaction | undefined> {
    if (!this.#last) return undefined;
    const { status } = await transactionStatus(this.#source.rpc, this.#last.hash);
    if (status !== 'pending') this.#last = undefined;
    return this.#last;
  }

  // Undefined when the nonce is taken: used already, or held by a transaction that pays as much.
  async #send(
    call: Call,
    terms: Pick<SentTransaction, 'nonce' | 'fees'>,
    options: SendOptions,
  ): Promise<SentTransaction | undefined> {
    const { rpc, chainId, signer } = this.#source;
    const unsigned = Transaction.from({
      chainId,
      to: call.to,
      data: call.data,
      value: call.valueWei ?? 0n,
      gasLimit: toQuantity(call.gasLimit),
      nonce: terms.nonce,
      ...feeFields(terms.fees),
    });
    unsigned.signature = Signature.from(toHex(await signer.sign(fromHex(unsigned.unsignedHash))));
    const transaction: SentTransaction = { hash: unsigned.hash as Hash, gasLimit: call.gasLimit, ...terms };
    await options.onSigned?.(transaction);
    try {
      await rpc('eth_sendRawTransaction', [unsigned.serialized]);
    } catch (error) {
      if (isNonceUsed(error) || isUnderpricedReplacement(error)) return undefined;
      if (!isAlreadyKnown(error)) throw error;
    }
    // One that replaces an earlier nonce frees none of the later ones.
    if (!this.#last || terms.nonce >= this.#last.nonce) this.#last = transaction;
    return transaction;
  }
}
