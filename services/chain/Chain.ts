import type { Anchor, BlockHeader, BlockSignature } from '../core/block.ts';
import type { Address, Hash } from '../core/bytes.ts';
import type { Committee } from '../core/committee.ts';
import type { Network } from '../core/eip712.ts';
import type { SignedHeader } from '../core/equivocation.ts';
import type { ErrorData } from '../core/errors.ts';
import type { Admission } from './Admission.ts';
import type { ChannelChain } from './channels/ChannelChain.ts';
import type { Governance } from './Governance.ts';
import type { RegistryNode } from './RegistryNode.ts';
import type { SendOptions, SentTransaction } from './SentTransaction.ts';

export type { RegistryNode } from './RegistryNode.ts';
export type { GasFees, SendOptions, SentTransaction } from './SentTransaction.ts';

/** What never changes about a Notarium deployment on one chain instance. */
export type ChainInfo = {
  readonly chainId: number;
  /** `BlockAnchor`. */
  readonly contract: Address;
  /** `NodeRegistry` whose committee decides. */
  readonly registry: Address;
  readonly periodSeconds: number;
  /** Seconds after the end of a slot in which its block is still taken. */
  readonly graceSeconds: number;
  /** Hash of chain block 0: two runs of a local chain have the same chain id and contract, but never this. */
  readonly genesisHash: Hash;
  /** EIP-712 domain of this deployment. */
  readonly network: Network;
};

/** Everything that one anchor transaction needs. */
export type AnchorRequest = {
  readonly header: BlockHeader;
  /** Header one height below; left out for height 1. */
  readonly previous?: BlockHeader;
  /** RFC 9162 consistency proof from the previous tree, 32 bytes each; empty for height 1. */
  readonly proof: readonly Uint8Array[];
  /** Signatures of committee members of `header.epoch`, any order. */
  readonly signatures: readonly BlockSignature[];
};

/** What an anchor call came to. */
export type AnchorOutcome =
  /** The chain has this very block at its height already; nothing was sent. */
  { readonly status: 'anchored' } | { readonly status: 'sent'; readonly transaction: SentTransaction };

/**
 * What a report of equivocation came to. `already`: the registry has dealt with it; the culprit is out of the committee, or
 * was and has been taken back since.
 */
export type ReportOutcome = 'reported' | 'already';

/** Where a transaction is. */
export type TransactionStatus =
  | { readonly status: 'missing' }
  | { readonly status: 'pending' }
  | {
      readonly status: 'mined';
      readonly succeeded: boolean;
      readonly blockNumber: number;
      readonly confirmations: number;
      readonly gasUsed: bigint;
      /** Contract error of a failed one, `{ error, args }`, where the node still tells. */
      readonly reason?: ErrorData;
    };

/** An anchor found on chain. `confirmations` is 1 in the newest block. */
export type FoundAnchor = Anchor & { readonly confirmations: number };

/** An anchored block, rebuilt from the chain alone. */
export type AnchoredBlock = {
  readonly header: BlockHeader;
  readonly blockHash: Hash;
  /**
   * A valid quorum; empty where the anchor came in a form that does not show it (encoded inside another contract's data, or
   * among wrong copies).
   */
  readonly signatures: readonly BlockSignature[];
  readonly anchor: FoundAnchor;
};

/**
 * The chain as the centre sees it. All calls throw NotariumError `chain-unreachable` when the RPC does not answer in
 * time, and `chain-answer-invalid` when its answers contradict one another.
 */
export type Chain = {
  /** Read once when the chain was opened. */
  readonly info: ChainInfo;
  /** Address that anchors and reports; undefined without a signer. */
  readonly account: Address | undefined;
  /**
   * Proposals and resource sets; undefined while the registry has no `ConsortiumGovernor` for its governor. One that is set
   * later is found by {@link Chain.nodes}.
   */
  readonly governance: Governance | undefined;
  /** Applications of candidates, and the rules for them. */
  readonly admission: Admission;
  /**
   * Evidence channels of a contract on this chain. They send from the account of this chain, by the same sender.
   * @throws NotariumError `chain-contract-missing`, `chain-answer-invalid`.
   */
  channels(contract: Address): Promise<ChannelChain>;
  /**
   * Checks that the RPC still is the chain that was opened.
   * @throws NotariumError `chain-mismatch`, `chain-contract-missing`.
   */
  checkInstance(): Promise<void>;
  /** Committee of an epoch (kept once read), or the current one, always read anew. */
  committee(epoch?: number): Promise<Committee>;
  /** Every committee so far, oldest first. */
  committees(): Promise<Committee[]>;
  /** Every node ever entered, in order; looks for the governor too while there is none. */
  nodes(): Promise<RegistryNode[]>;
  /** Greatest anchored height; 0 before the first. */
  head(): Promise<number>;
  /** Stored hash at a height. */
  blockHash(height: number): Promise<Hash | undefined>;
  /**
   * Where the block was anchored; undefined when the chain does not have this block at this height (any more).
   * @param hint.slot Slot of the block: bounds the search where the RPC refuses to search all blocks at once.
   * @throws NotariumError `chain-mismatch` when the chain is another instance than the one opened.
   */
  findAnchor(height: number, blockHash: Hash, hint?: { slot?: number }): Promise<FoundAnchor | undefined>;
  /**
   * Anchored blocks in order of height, both ends included, up to the newest at most; checked: each header has the hash in
   * its event and in the contract, names the one below as parent, and none is left out.
   */
  anchoredBlocks(fromHeight: number, toHeight: number): AsyncIterable<AnchoredBlock>;
  /**
   * Sends the anchor of a block, with a nonce of its own. Does not wait until it is mined. Calling again is harmless.
   * @throws NotariumError `chain-anchor-rejected` with data `{ error, args }`, `chain-funds-missing`,
   *   `chain-fees-too-high`, `chain-mismatch`, `chain-unreachable`.
   */
  submitAnchor(request: AnchorRequest, options?: SendOptions): Promise<AnchorOutcome>;
  /**
   * Sends the same anchor, or a newer block's, in the place of a stuck transaction: same nonce, fees an eighth higher
   * or what the chain asks now. When the nonce has been used meanwhile, sends with the next one.
   * @throws As {@link Chain.submitAnchor}.
   */
  replaceAnchor(stuck: SentTransaction, request: AnchorRequest, options?: SendOptions): Promise<AnchorOutcome>;
  /**
   * Reports a centre that signed two blocks of one slot, and waits until the report is in a block of the chain. Anchors may
   * be submitted meanwhile: both take their nonces in turn, and a report that is stuck before them is sent again for more.
   * After `chain-unreachable`, calling again goes on where it stopped.
   * @param options.signal Ends the waiting, not the transaction; its reason is thrown.
   * @throws NotariumError `block-no-equivocation` and `signature-*` before anything is sent,
   *   `chain-report-rejected` with data `{ error, args }` (the culprit is no centre, or the last one),
   *   `chain-funds-missing`, `chain-fees-too-high`, `chain-mismatch`, `chain-unreachable`, `chain-answer-invalid`.
   */
  reportEquivocation(
    first: SignedHeader,
    second: SignedHeader,
    options?: { readonly signal?: AbortSignal },
  ): Promise<ReportOutcome>;
  transactionStatus(hash: Hash): Promise<TransactionStatus>;
  /** Transactions of the account that the node knows but that are in no block yet. */
  pendingCount(): Promise<number>;
  /** Time as the chain sees it, Unix seconds; `pendingSeconds` is undefined where the node does not tell. */
  chainTime(): Promise<{ blockNumber: number; latestSeconds: number; pendingSeconds: number | undefined }>;
  /** Wei of the account (of `account` without argument). */
  balance(address?: Address): Promise<bigint>;
  /** Whether transactions cost nothing now, as on a chain with `zeroBaseFee`. */
  isGasFree(): Promise<boolean>;
  close(): void;
};
