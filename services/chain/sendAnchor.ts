import { Signature, Transaction, toQuantity } from 'ethers';
import { blockHash } from '../core/block.ts';
import { fromHex, type Hash, type Hex, toHex } from '../core/bytes.ts';
import type { Committee } from '../core/committee.ts';
import { NotariumError } from '../core/errors.ts';
import type { Signer } from '../core/signature.ts';
import { type JsonRpc, JsonRpcError } from '../lib/jsonRpc.ts';
import type { Logger } from '../lib/logger.ts';
import { encodeAnchor } from './anchorCall.ts';
import type { AnchorOutcome, AnchorRequest, ChainInfo, SendOptions, SentTransaction } from './Chain.ts';
import { isAlreadyKnown, isNonceUsed, isUnderpricedReplacement, revertReason } from './chainError.ts';
import { currentFees, feeFields, greater, raisedFees } from './gasFees.ts';
import { transactionStatus } from './transactionStatus.ts';

/** What sending needs of a chain. */
export type SendSource = {
  readonly rpc: JsonRpc;
  readonly info: ChainInfo;
  readonly signer: Signer;
  readonly maxFeePerGasWei: bigint;
  readonly logger: Logger;
  readonly storedHash: (height: number) => Promise<Hash | undefined>;
  readonly committee: (epoch: number) => Promise<Committee>;
};

type Call = { readonly block: Hash; readonly data: Hex; readonly gasLimit: bigint };

const nonceAttempts = 5;

/** Sends anchors of one account, one call after the other, and remembers the last of them. */
export class AnchorSender {
  readonly #source: SendSource;
  #last: { readonly block: Hash; readonly transaction: SentTransaction } | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(source: SendSource) {
    this.#source = source;
  }

  /** See Chain.submitAnchor. */
  submit(request: AnchorRequest, options: SendOptions = {}): Promise<AnchorOutcome> {
    return this.#inTurn(async () => {
      const block = blockHash(this.#source.info.network, request.header);
      if ((await this.#source.storedHash(request.header.height)) === block) return { status: 'anchored' };
      const last = await this.#pendingLast();
      if (last?.block === block) return { status: 'sent', transaction: last.transaction };
      return this.#sendNext(await this.#call(block, request), options);
    });
  }

  /** See Chain.replaceAnchor. */
  replace(stuck: SentTransaction, request: AnchorRequest, options: SendOptions = {}): Promise<AnchorOutcome> {
    return this.#inTurn(async () => {
      const { rpc, info, maxFeePerGasWei } = this.#source;
      const block = blockHash(info.network, request.header);
      if ((await this.#source.storedHash(request.header.height)) === block) return { status: 'anchored' };
      const call = await this.#call(block, request);
      const fees = raisedFees(stuck.fees, await currentFees(rpc, maxFeePerGasWei), maxFeePerGasWei);
      const transaction = await this.#send(call, { nonce: stuck.nonce, fees }, options);
      // The stuck one, or something else of this account, was mined after all.
      return transaction ? { status: 'sent', transaction } : this.#sendNext(call, options);
    });
  }

  // Two at a time would take the same nonce.
  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(run);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #pendingLast(): Promise<{ block: Hash; transaction: SentTransaction } | undefined> {
    if (!this.#last) return undefined;
    const { status } = await transactionStatus(this.#source.rpc, this.#last.transaction.hash);
    if (status !== 'pending') this.#last = undefined;
    return this.#last;
  }

  async #call(block: Hash, request: AnchorRequest): Promise<Call> {
    const { info, signer } = this.#source;
    const data = encodeAnchor(request, await this.#source.committee(request.header.epoch));
    // Estimating runs the call: what the contract would refuse comes out here, and costs nothing.
    const estimate = await this.#estimate({ from: signer.address, to: info.contract, data });
    const gasLimit = greater((estimate * 5n) / 4n, leastGas(request, data));
    return { block, data, gasLimit };
  }

  // The pending state would hold the stuck transaction that this one is to replace. But where blocks come with
  // transactions only, the latest block's time may be before the slot, and the pending one's is the chain's clock.
  async #estimate(call: { from: Hex; to: Hex; data: Hex }): Promise<bigint> {
    const { rpc } = this.#source;
    try {
      return BigInt(String(await rpc('eth_estimateGas', [call, 'latest'])));
    } catch (error) {
      if (!(error instanceof JsonRpcError) || revertReason(error)?.error !== 'SlotEarly') throw error;
      return BigInt(String(await rpc('eth_estimateGas', [call, 'pending'])));
    }
  }

  async #sendNext(call: Call, options: SendOptions): Promise<AnchorOutcome> {
    const { rpc, signer, maxFeePerGasWei, logger } = this.#source;
    const fees = await currentFees(rpc, maxFeePerGasWei);
    const last = await this.#pendingLast();
    let least = last ? last.transaction.nonce + 1 : 0;
    for (let attempt = 1; attempt <= nonceAttempts; attempt++) {
      // Nodes differ in what they count as pending, so what this sender knows itself counts too.
      const nonce = Math.max(least, Number(await rpc('eth_getTransactionCount', [signer.address, 'pending'])));
      const transaction = await this.#send(call, { nonce, fees }, options);
      if (transaction) return { status: 'sent', transaction };
      logger.warn({ nonce, attempt }, 'a nonce was used by somebody else who has the key');
      least = nonce + 1;
    }
    throw new NotariumError('chain-answer-invalid', 'no free nonce', { data: { account: signer.address } });
  }

  // Undefined when the nonce is taken: used already, or held by a transaction that pays as much.
  async #send(
    call: Call,
    terms: Pick<SentTransaction, 'nonce' | 'fees'>,
    options: SendOptions,
  ): Promise<SentTransaction | undefined> {
    const { rpc, info, signer, logger } = this.#source;
    const unsigned = Transaction.from({
      chainId: info.chainId,
      to: info.contract,
      data: call.data,
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
    this.#last = { block: call.block, transaction };
    logger.info({ transaction: transaction.hash, nonce: terms.nonce, block: call.block }, 'anchor sent');
    return transaction;
  }
}

// An estimate against a state that holds the same anchor already is far too low: there the call does nothing.
function leastGas({ proof, signatures }: AnchorRequest, data: Hex): bigint {
  return BigInt(60_000 + 8 * data.length + 6_000 * signatures.length + 1_000 * proof.length);
}
