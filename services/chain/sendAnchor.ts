import { blockHash } from '../core/block.ts';
import type { Hash, Hex } from '../core/bytes.ts';
import type { Committee } from '../core/committee.ts';
import { type JsonRpc, JsonRpcError } from '../lib/jsonRpc.ts';
import type { Logger } from '../lib/logger.ts';
import type { AccountSender, Call } from './AccountSender.ts';
import { encodeAnchor } from './anchorCall.ts';
import type { AnchorOutcome, AnchorRequest, ChainInfo, SendOptions, SentTransaction } from './Chain.ts';
import { revertReason } from './chainError.ts';
import { greater } from './gasFees.ts';
import { transactionStatus } from './transactionStatus.ts';

/** What sending anchors needs of a chain. */
export type AnchorSendSource = {
  readonly rpc: JsonRpc;
  readonly info: ChainInfo;
  readonly account: AccountSender;
  readonly logger: Logger;
  readonly storedHash: (height: number) => Promise<Hash | undefined>;
  readonly committee: (epoch: number) => Promise<Committee>;
};

/** Sends anchors of one account, one call after the other, and remembers the last of them. */
export class AnchorSender {
  readonly #source: AnchorSendSource;
  #last: { readonly block: Hash; readonly transaction: SentTransaction } | undefined;

  constructor(source: AnchorSendSource) {
    this.#source = source;
  }

  /** See Chain.submitAnchor. */
  submit(request: AnchorRequest, options: SendOptions = {}): Promise<AnchorOutcome> {
    const { info, account } = this.#source;
    return account.inTurn(async () => {
      const block = blockHash(info.network, request.header);
      if ((await this.#source.storedHash(request.header.height)) === block) return { status: 'anchored' };
      const last = await this.#pendingLast();
      if (last?.block === block) return { status: 'sent', transaction: last.transaction };
      const call = await this.#call(request);
      return this.#sent(block, await account.next(call, options));
    });
  }

  /** See Chain.replaceAnchor. */
  replace(stuck: SentTransaction, request: AnchorRequest, options: SendOptions = {}): Promise<AnchorOutcome> {
    const { info, account } = this.#source;
    return account.inTurn(async () => {
      const block = blockHash(info.network, request.header);
      if ((await this.#source.storedHash(request.header.height)) === block) return { status: 'anchored' };
      const call = await this.#call(request);
      const transaction = await account.replace(stuck, call, options);
      // Without one, the stuck one, or something else of this account, was mined after all.
      return this.#sent(block, transaction ?? (await account.next(call, options)));
    });
  }

  #sent(block: Hash, transaction: SentTransaction): AnchorOutcome {
    this.#last = { block, transaction };
    this.#source.logger.info({ transaction: transaction.hash, nonce: transaction.nonce, block }, 'anchor sent');
    return { status: 'sent', transaction };
  }

  async #pendingLast(): Promise<{ block: Hash; transaction: SentTransaction } | undefined> {
    if (!this.#last) return undefined;
    const { status } = await transactionStatus(this.#source.rpc, this.#last.transaction.hash);
    if (status !== 'pending') this.#last = undefined;
    return this.#last;
  }

  async #call(request: AnchorRequest): Promise<Call> {
    const { info, account } = this.#source;
    const data = encodeAnchor(request, await this.#source.committee(request.header.epoch));
    // Estimating runs the call: what the contract would refuse comes out here, and costs nothing.
    const estimate = await this.#estimate({ from: account.address, to: info.contract, data });
    const gasLimit = greater((estimate * 5n) / 4n, leastGas(request, data));
    return { to: info.contract, data, gasLimit };
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
}

// An estimate against a state that holds the same anchor already is far too low: there the call does nothing.
function leastGas({ proof, signatures }: AnchorRequest, data: Hex): bigint {
  return BigInt(60_000 + 8 * data.length + 6_000 * signatures.length + 1_000 * proof.length);
}
